//! The real Contour with the real Envoy: both start anew for a world, so that nothing of the last one is
//! left in them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::ask::Entry;
use crate::cluster::{Cluster, EDGE};
use crate::envoy;
use crate::oracle::{Oracle, Served};
use crate::plane::assets::Assets;
use crate::plane::objects::documents;
use crate::plane::program::Recipe;
use crate::programs::fetched;
use crate::world::World;

const CONTOUR: &str = "contour";
const ENVOY: &str = "envoy";
/// The versions that `fetch` gets.
const VERSIONS: &str = "Contour 1.33.8 with Envoy 1.38.3";
/// The address of loopback that everything of it listens on, and the port from which Envoy is configured.
const ADDRESS: [u8; 4] = [127, 0, 1, 5];
const XDS: u16 = 8001;

/// See the module.
pub(crate) struct Contour {
    contour: PathBuf,
    envoy: PathBuf,
    cluster: Cluster,
    runs: bool,
}

impl Contour {
    pub(crate) async fn start() -> Result<Self, String> {
        let (contour, envoy) = (fetched(CONTOUR)?, fetched(ENVOY)?);
        let cluster = Cluster::start(&Assets::find()?).await;
        let kinds = std::fs::read_to_string(contour.with_file_name("crds.yaml")).expect("custom resources");
        for kind in documents(&kinds) {
            cluster.plane.apply(&kind.to_string()).await;
            let name = kind["metadata"]["name"].as_str().expect("a name");
            let place = ["apiextensions.k8s.io/v1", "CustomResourceDefinition", "", name];
            cluster.plane.until(name, || established(&cluster, place)).await;
        }
        let bootstrap = Command::new(&contour)
            .args(["bootstrap", "--xds-address=127.0.1.5", &format!("--xds-port={XDS}")])
            .arg(format!("--admin-address={}", cluster.plane.path("admin.sock").display()))
            .arg(cluster.plane.path("envoy.json"))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(bootstrap.is_ok_and(|status| status.success()), "contour writes no configuration for Envoy");
        Ok(Self { contour, envoy, cluster, runs: false })
    }

    /// Makes Contour take the last Ingress, whatever classes it was told to take.
    async fn adopt_last(&self, told: &[String]) {
        let names = told.iter().find_map(|argument| argument.strip_prefix("--ingress-class-name="));
        let class = names.and_then(|names| names.split(',').next()).unwrap_or("contour");
        let patch = json!({"metadata": {"annotations": {"projectcontour.io/ingress.class": class}}});
        self.cluster.plane.patch("world", ["networking.k8s.io/v1", "Ingress", EDGE, "last"], &patch).await;
    }
}

/// Whether a kind can be listed.
async fn established(cluster: &Cluster, [api, kind, namespace, name]: [&str; 4]) -> Option<()> {
    let found = cluster.plane.get(api, kind, namespace, name).await.ok()?;
    let mut conditions = found["status"]["conditions"].as_array()?.iter();
    conditions.any(|one| one["type"] == "Established" && one["status"] == "True").then_some(())
}

impl Oracle for Contour {
    fn source(&self) -> String {
        VERSIONS.to_owned()
    }

    async fn serve(&mut self, world: &World) -> Served {
        let plane = &self.cluster.plane;
        if std::mem::replace(&mut self.runs, true) {
            plane.programs.kill(ENVOY);
            plane.programs.kill(CONTOUR);
        }
        let objects = self.cluster.put(world).await;
        let told = told(&world.controller);
        self.adopt_last(&told).await;
        let file = world.controller.iter().find_map(|object| object["data"]["contour.yaml"].as_str());
        std::fs::write(plane.path("contour.yaml"), file.unwrap_or_default()).expect("a file");
        let listen =
            |name: &str, port: u16| [format!("--{name}-address=127.0.1.5"), format!("--{name}-port={port}")];
        let mut args = vec![
            "serve".to_owned(),
            "--insecure".to_owned(),
            "--disable-leader-election".to_owned(),
            "--kubernetes-client-qps=1000".to_owned(),
            "--kubernetes-client-burst=1000".to_owned(),
            format!("--kubeconfig={}", plane.kubeconfig("admin").display()),
            format!("--config-path={}", plane.path("contour.yaml").display()),
            "--envoy-http-access-log=/dev/null".to_owned(),
            "--envoy-https-access-log=/dev/null".to_owned(),
        ];
        args.extend(listen("xds", XDS));
        args.extend(listen("http", 8000));
        args.extend(listen("health", 8004));
        args.extend(listen("debug-http", 6060));
        args.extend(listen("stats", 8002));
        args.extend(listen("envoy-service-http", 80));
        args.extend(listen("envoy-service-https", 443));
        args.extend(told);
        plane.programs.start(CONTOUR, Recipe { program: self.contour.clone(), args, path: None });
        let xds = SocketAddr::from((ADDRESS, XDS));
        while tokio::net::TcpStream::connect(xds).await.is_err() {
            plane.programs.check(CONTOUR);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        plane.programs.start(ENVOY, envoy::recipe(&self.envoy, &plane.path("envoy.json"), &envoy::NAMELESS));
        let entry = Entry { http: SocketAddr::from((ADDRESS, 80)), https: SocketAddr::from((ADDRESS, 443)) };
        self.cluster.served(entry, ENVOY).await;
        Served { objects, entry: Some(entry) }
    }
}

/// The arguments of the Deployment that matter to a Contour outside of it.
fn told(controller: &[Value]) -> Vec<String> {
    let args = controller
        .iter()
        .find_map(|object| object.pointer("/spec/template/spec/containers/0/args")?.as_array());
    let args = args.into_iter().flatten().filter_map(Value::as_str);
    let own = ["serve", "--incluster", "--xds-address=", "--config-path="];
    args.filter(|argument| !own.iter().any(|own| argument.starts_with(own))).map(ToOwned::to_owned).collect()
}
