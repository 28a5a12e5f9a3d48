//! Debian's nginx with the configuration that a controller would write for a world.
//!
//! The controllers that run nginx cannot be had as packages. What they write is written here, from their
//! documentation alone, without any code of the models; nginx itself then matches, redirects and proxies.

mod certificate;
mod f5;
mod ingress_nginx;
mod objects;

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::ask::Entry;
use crate::oracle::{Oracle, Served};
use crate::world::World;
use objects::Cluster;

/// Where one nginx lives: its address of loopback, and its files.
#[derive(Debug)]
pub(crate) struct Place {
    address: Ipv4Addr,
    folder: PathBuf,
}

impl Place {
    fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// Writes a file that the configuration names.
    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join(name), text).expect("a file");
    }
}

/// A configuration: what stands before `http`, and what stands in it.
pub(crate) struct Written {
    main: String,
    http: String,
}

/// Writes a world down as one controller would.
type Writer = fn(&Cluster<'_>, &Place) -> Written;

/// See the module.
pub(crate) struct Nginx {
    program: PathBuf,
    version: String,
    controller: &'static str,
    writer: Writer,
    place: Place,
    process: Option<Child>,
    complaint: String,
}

impl Nginx {
    /// As ingress-nginx writes it.
    pub(crate) fn ingress_nginx() -> Result<Self, String> {
        Self::start("ingress-nginx", [127, 0, 1, 10], ingress_nginx::MODULES, ingress_nginx::write)
    }

    /// As F5's controller writes it.
    pub(crate) fn f5() -> Result<Self, String> {
        Self::start("f5-nginx", [127, 0, 1, 11], &[], f5::write)
    }

    fn start(
        controller: &'static str,
        address: [u8; 4],
        modules: &[&str],
        writer: Writer,
    ) -> Result<Self, String> {
        let program = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"]
            .into_iter()
            .map(PathBuf::from)
            .find(|path| path.exists())
            .ok_or("no nginx; the package `nginx` has it")?;
        for module in modules {
            if !Path::new(module).exists() {
                return Err(format!("no {module}; the package `libnginx-mod-http-lua` has it"));
            }
        }
        let output = Command::new(&program).arg("-v").output().map_err(|error| error.to_string())?;
        let version = String::from_utf8_lossy(&output.stderr);
        let version = version.trim().rsplit('/').next().unwrap_or_default().to_owned();
        let folder = std::env::temp_dir().join("routecause-oracles").join(controller);
        std::fs::create_dir_all(folder.join("temp")).map_err(|error| error.to_string())?;
        let place = Place { address: address.into(), folder };
        certificate::write(&place);
        Ok(Self { program, version, controller, writer, place, process: None, complaint: String::new() })
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    fn write(&self, world: &World) {
        let Written { main, http } = (self.writer)(&Cluster::of(world), &self.place);
        let temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path temp;\n"))
            .concat();
        let text = format!(
            "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr warn;\n{main}\
             events {{}}\nhttp {{\naccess_log off;\n{temp}\
             server_names_hash_bucket_size 128;\nvariables_hash_max_size 2048;\n\
             ssl_certificate {};\nssl_certificate_key {};\n{http}}}\n",
            self.place.file("certificate.pem"),
            self.place.file("key.pem"),
        );
        self.place.write("nginx.conf", &text);
    }

    /// Starts it; whether nginx takes the configuration.
    fn run(&mut self, entry: Entry) -> bool {
        let log = std::fs::File::create(self.place.folder.join("error.log")).expect("a file");
        let child = Command::new(&self.program)
            .arg("-p")
            .arg(&self.place.folder)
            .args(["-c", "nginx.conf", "-e", "stderr"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        let process = self.process.insert(child.expect("nginx"));
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(entry.http).is_err() {
            if process.try_wait().expect("a process").is_some() {
                let said = std::fs::read_to_string(self.place.folder.join("error.log")).unwrap_or_default();
                let refused = said.contains("[emerg]") && !said.contains("bind()");
                assert!(refused, "nginx does not run:\n{said}");
                self.complaint = said;
                return false;
            }
            assert!(Instant::now() < end, "nginx does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Oracle for Nginx {
    fn source(&self) -> String {
        format!("nginx {}, configured as {} writes it", self.version, self.controller)
    }

    fn complaint(&self) -> &str {
        &self.complaint
    }

    async fn serve(&mut self, world: &World) -> Served {
        self.stop();
        self.write(world);
        let entry = Entry {
            http: SocketAddr::from((self.place.address, 80)),
            https: SocketAddr::from((self.place.address, 443)),
        };
        let objects: Vec<Value> = world.objects.iter().chain(&world.controller).cloned().collect();
        Served { objects, entry: self.run(entry).then_some(entry) }
    }
}
