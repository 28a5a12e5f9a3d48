//! The real Envoy with the route tables that Cilium's operator writes. It does not run: the tables are written
//! here a second time, from its sources, so what this holds the model to is Envoy's matching, and not the
//! translation.

pub(crate) mod cilium;
mod configuration;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::ask::Entry;
use crate::oracle::{Oracle, Served};
use crate::plane::program::{Programs, Recipe};
use crate::programs::fetched;
use crate::world::World;
use configuration::{Certificate, Tables};

const NAME: &str = "envoy";
/// The version that `fetch` gets.
const VERSION: &str = "1.38.3";

/// Who an Envoy is whose file does not say it.
pub(crate) const NAMELESS: [&str; 4] = ["--service-cluster", "oracle", "--service-node", "envoy"];

/// How to start an Envoy that reads this file.
pub(crate) fn recipe(program: &Path, file: &Path, more: &[&str]) -> Recipe {
    let file = file.display().to_string();
    let args = ["--log-level", "error", "--concurrency", "1", "--disable-hot-restart"];
    let args = args.iter().chain(more).chain(&["-c", &file]).map(|word| (*word).to_owned()).collect();
    Recipe { program: program.to_owned(), args, path: None }
}

/// See the module.
pub(crate) struct Envoy {
    program: PathBuf,
    programs: Programs,
    folder: PathBuf,
    certificate: Certificate,
    /// The address of loopback that it listens on.
    address: [u8; 4],
    product: &'static str,
    tables: fn(&[Value]) -> Tables,
    runs: bool,
}

impl Envoy {
    /// `tables` writes what the product would.
    pub(crate) fn start(
        product: &'static str,
        tables: fn(&[Value]) -> Tables,
        address: [u8; 4],
    ) -> Result<Self, String> {
        let program = fetched(NAME)?;
        let folder = tempfile::Builder::new().prefix("routecause-envoy-").tempdir().expect("a folder").keep();
        let programs = Programs::new(&folder);
        for name in ["log", "home"] {
            std::fs::create_dir(folder.join(name)).expect("a folder");
        }
        let certificate = Certificate::write(&folder);
        Ok(Self { program, programs, folder, certificate, address, product, tables, runs: false })
    }
}

impl Oracle for Envoy {
    fn source(&self) -> String {
        format!("Envoy {VERSION} with tables as {} writes them", self.product)
    }

    async fn serve(&mut self, world: &World) -> Served {
        if std::mem::replace(&mut self.runs, true) {
            self.programs.kill(NAME);
        }
        let objects: Vec<Value> = world.objects.iter().chain(&world.controller).cloned().collect();
        let entry = Entry {
            http: SocketAddr::from((self.address, 80)),
            https: SocketAddr::from((self.address, 443)),
        };
        let configuration = (self.tables)(&objects).configuration(entry, &objects, &self.certificate);
        let file = self.folder.join("envoy.json");
        std::fs::write(&file, configuration.to_string()).expect("a file");
        self.programs.start(NAME, recipe(&self.program, &file, &NAMELESS));
        while tokio::net::TcpStream::connect(entry.http).await.is_err() {
            self.programs.check(NAME);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Served { objects, entry: Some(entry) }
    }
}
