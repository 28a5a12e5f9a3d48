//! A real HAProxy, with the configuration that a controller would write for a world.
//!
//! The controllers themselves cannot be had. What they write is rendered here from their documentation
//! and from what was seen of them, and not by way of the models: the choice of rows, of rules and of
//! servers is then HAProxy's own.

mod haproxy_ingress;
mod haproxytech;
mod local;
mod objects;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::ask::Entry;
use crate::oracle::{Oracle, Served};
use crate::world::World;

/// Where a proxy listens and keeps its files.
#[derive(Debug)]
struct Place {
    address: Ipv4Addr,
    folder: PathBuf,
}

impl Place {
    fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

/// Names and texts of the files of a configuration; `haproxy.cfg` is one of them.
type Files = Vec<(String, String)>;

/// See the module.
pub(crate) struct HaProxy {
    controller: &'static str,
    version: String,
    render: fn(&World, &Place) -> Files,
    place: Place,
    /// Keeps the files until it is dropped.
    _folder: tempfile::TempDir,
    process: Option<Child>,
}

impl HaProxy {
    /// As haproxytech/kubernetes-ingress configures it.
    pub(crate) async fn haproxytech(address: [u8; 4]) -> Result<Self, String> {
        let this = Self::start("as haproxytech would configure it", haproxytech::render, address)?;
        local::start((this.place.address, local::PORT).into()).await;
        Ok(this)
    }

    /// As jcmoraisjr/haproxy-ingress configures it.
    pub(crate) fn haproxy_ingress(address: [u8; 4]) -> Result<Self, String> {
        Self::start("as haproxy-ingress would configure it", haproxy_ingress::render, address)
    }

    fn start(
        controller: &'static str,
        render: fn(&World, &Place) -> Files,
        address: [u8; 4],
    ) -> Result<Self, String> {
        let output = Command::new("haproxy").arg("-v").stdin(Stdio::null()).output();
        let output = output.map_err(|_| "no haproxy; the package `haproxy` has it".to_owned())?;
        let version = String::from_utf8_lossy(&output.stdout);
        let version = version.split_whitespace().nth(2).unwrap_or_default();
        let version = version.split('-').next().unwrap_or_default().to_owned();
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let place = Place { address: address.into(), folder: folder.path().to_owned() };
        let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        write(&place.folder, "tls.pem", &format!("{}{}", pair.cert.pem(), pair.signing_key.serialize_pem()));
        Ok(Self { controller, version, render, place, _folder: folder, process: None })
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("a process of our own");
            process.wait().expect("an end");
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new("haproxy");
        command.arg("-f").arg(self.place.folder.join("haproxy.cfg"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        self.stop();
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("a file of our own");
}

impl Oracle for HaProxy {
    fn source(&self) -> String {
        format!("HAProxy {} {}", self.version, self.controller)
    }

    async fn serve(&mut self, world: &World) -> Served {
        self.stop();
        for (name, text) in (self.render)(world, &self.place) {
            write(&self.place.folder, &name, &text);
        }
        let objects = world.objects.iter().chain(&world.controller).cloned().collect();
        let entry = Entry {
            http: SocketAddr::from((self.place.address, 80)),
            https: SocketAddr::from((self.place.address, 443)),
        };
        let checked = self.command().arg("-c").stderr(Stdio::piped()).output().expect("haproxy");
        if !checked.status.success() {
            let said = String::from_utf8_lossy(&checked.stderr);
            let alerts = said.lines().filter(|line| line.contains("[ALERT]"));
            eprintln!("refused by HAProxy: {}", alerts.take(1).collect::<String>());
            return Served { objects, entry: None };
        }
        self.process = Some(self.command().arg("-db").spawn().expect("haproxy"));
        // A way in may be switched off, or both.
        for _ in 0..100 {
            for address in [entry.http, entry.https] {
                if tokio::net::TcpStream::connect(address).await.is_ok() {
                    return Served { objects, entry: Some(entry) };
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Served { objects, entry: Some(entry) }
    }
}
