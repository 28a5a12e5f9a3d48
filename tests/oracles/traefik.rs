//! The real Traefik, with one of its three providers for Kubernetes.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::Value;

use crate::ask::Entry;
use crate::cluster::Cluster;
use crate::oracle::{Oracle, Served};
use crate::plane::assets::Assets;
use crate::plane::program::Recipe;
use crate::programs::fetched;
use crate::world::World;

const NAME: &str = "traefik";
/// The provider that writes into the objects what it thinks of them.
const GATEWAY: &str = "kubernetesgateway";
/// The version that `fetch` gets.
const VERSION: &str = "3.7.15";

/// See the module.
pub(crate) struct Traefik {
    program: PathBuf,
    cluster: Cluster,
    token: String,
    provider: &'static str,
    /// The address of loopback that it listens on.
    address: [u8; 4],
    runs: bool,
}

impl Traefik {
    /// `provider` as in `--providers.<provider>`.
    pub(crate) async fn start(provider: &'static str, address: [u8; 4]) -> Result<Self, String> {
        let program = fetched(NAME)?;
        let assets = Assets::find()?;
        let cluster = if provider == GATEWAY {
            Cluster::with_gateway_api(&assets).await?
        } else {
            Cluster::start(&assets).await
        };
        let token = cluster.token().await;
        Ok(Self { program, cluster, token, provider, address, runs: false })
    }
}

impl Oracle for Traefik {
    fn source(&self) -> String {
        format!("Traefik {VERSION}, provider {}", self.provider)
    }

    async fn serve(&mut self, world: &World) -> Served {
        if std::mem::replace(&mut self.runs, true) {
            self.cluster.plane.programs.kill(NAME);
        }
        let mut objects = self.cluster.put(world).await;
        let entry = Entry {
            http: SocketAddr::from((self.address, 80)),
            https: SocketAddr::from((self.address, 443)),
        };
        let told = world
            .controller
            .iter()
            .find_map(|object| object.pointer("/spec/template/spec/containers/0/args")?.as_array());
        let provider = self.provider;
        let mut args: Vec<String> = told
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(|argument| match argument.split_once(".address=:") {
                Some((name, port)) => format!("{name}.address={}:{port}", entry.http.ip()),
                None => argument.to_owned(),
            })
            .collect();
        let plane = &self.cluster.plane;
        args.extend([
            format!("--providers.{provider}.endpoint=https://{}", plane.address),
            format!("--providers.{provider}.token={}", self.token),
            format!("--providers.{provider}.certauthfilepath={}", plane.path("pki/ca.crt").display()),
            "--providers.providersThrottleDuration=100ms".to_owned(),
            "--global.checknewversion=false".to_owned(),
            "--global.sendanonymoususage=false".to_owned(),
            "--log.level=ERROR".to_owned(),
        ]);
        plane.programs.start(NAME, Recipe { program: self.program.clone(), args, path: None });
        self.cluster.served(entry, NAME).await;
        if provider == GATEWAY {
            objects = self.cluster.objects(world).await;
        }
        Served { objects, entry: Some(entry) }
    }
}
