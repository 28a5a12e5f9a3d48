//! A control plane of its own: etcd, kube-apiserver, kube-controller-manager, and kwok as the kubelet of
//! one node, `node-1`. There is no scheduler: pods say `nodeName: node-1`.
//!
//! Everything is on loopback, on free ports, with certificates made for it, in a folder that is gone
//! when the plane is dropped or this process ends in whatever way. Several can run side by side.
//!
//! - objects: [`Plane::apply`], [`Plane::apply_as`], [`Plane::delete`], [`Plane::request`], [`Plane::settle`]
//! - identities: [`Plane::reader`], [`Plane::identity`], [`Plane::grant`], [`Plane::toolbox`]
//! - the kubelet's part: [`Plane::log_file`], [`Plane::write_log`], [`Plane::forward`], [`Plane::commands`];
//!   the state of pods by annotations, see `controlplane/stages.yaml`
//! - trouble: [`Plane::kill`], [`Plane::restart`], [`Plane::pause`], [`Plane::resume`], [`proxy`]

pub(crate) mod assets;
pub(crate) mod authority;
pub(crate) mod identity;
pub(crate) mod kubelet;
pub(crate) mod objects;
pub(crate) mod ports;
pub(crate) mod program;
pub(crate) mod proxy;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::Client;
use serde_json::json;

use assets::{Assets, FILES};
use authority::Authority;
use program::{Programs, Recipe};

/// The namespace of the ingress controller.
pub(crate) const CONTROLLER: &str = "ingress-nginx";

/// The programs, as they are stopped and started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    Etcd,
    ApiServer,
    ControllerManager,
    Kwok,
}

impl Program {
    const fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Kwok => "kwok",
        }
    }
}

/// What is different from the usual plane.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// More flags for kube-apiserver; the last one of a name counts.
    pub(crate) apiserver: Vec<&'static str>,
    /// No controller manager and no kubelet: nothing changes what is written.
    pub(crate) only_api: bool,
}

/// See the module.
pub(crate) struct Plane {
    folder: PathBuf,
    pub(crate) address: SocketAddr,
    pub(crate) authority: Authority,
    client: Client,
    pub(crate) programs: Programs,
}

impl Plane {
    /// Starts everything and waits until the node is ready.
    pub(crate) async fn start(assets: &Assets, options: Options) -> Self {
        let folder = tempfile::Builder::new().prefix("routecause-live-").tempdir().expect("a folder").keep();
        let programs = Programs::new(&folder);
        for name in ["pki", "log", "home", "logs", "kubeconfigs", "bin"] {
            std::fs::create_dir(folder.join(name)).expect("a folder");
        }
        let authority = Authority::new();
        let [etcd, peer, api, manager, kubelet] = ports::free();
        let address = SocketAddr::from(([127, 0, 0, 1], api));
        let client = write_kubeconfigs(&folder, &authority, address).await;
        let plane = Self { folder, address, authority, client, programs };
        plane.start_etcd(assets, etcd, peer).await;
        plane.start_api_server(assets, &options, etcd).await;
        if !options.only_api {
            plane.start_controller_manager(assets, manager);
            plane.start_kwok(assets, kubelet).await;
        }
        plane
    }

    async fn start_etcd(&self, assets: &Assets, port: u16, peer: u16) {
        let (clients, peers) = (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{peer}"));
        self.run(
            Program::Etcd,
            assets,
            vec![
                "--name=etcd".to_owned(),
                format!("--data-dir={}", self.path("etcd").display()),
                "--unsafe-no-fsync".to_owned(),
                "--log-level=warn".to_owned(),
                format!("--listen-client-urls={clients}"),
                format!("--advertise-client-urls={clients}"),
                format!("--listen-peer-urls={peers}"),
                format!("--initial-advertise-peer-urls={peers}"),
                format!("--initial-cluster=etcd={peers}"),
            ],
        );
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        self.await_program(
            Program::Etcd,
            || async move { tokio::net::TcpStream::connect(address).await.is_ok() },
        )
        .await;
    }

    async fn start_api_server(&self, assets: &Assets, options: &Options, etcd: u16) {
        let pki = |name: &str| self.path("pki").join(name).display().to_string();
        let mut args: Vec<String> = [
            // Without this plugin, pods need no service account.
            "--disable-admission-plugins=ServiceAccount",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--allow-privileged=true",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--endpoint-reconciler-type=none",
            "--kubelet-preferred-address-types=InternalIP",
            "--event-ttl=1h",
        ]
        .map(str::to_owned)
        .to_vec();
        args.extend([
            format!("--etcd-servers=http://127.0.0.1:{etcd}"),
            format!("--secure-port={}", self.address.port()),
            format!("--tls-cert-file={}", pki("apiserver.crt")),
            format!("--tls-private-key-file={}", pki("apiserver.key")),
            format!("--client-ca-file={}", pki("ca.crt")),
            format!("--service-account-key-file={}", pki("service-account.pub")),
            format!("--service-account-signing-key-file={}", pki("service-account.key")),
            format!("--kubelet-certificate-authority={}", pki("ca.crt")),
            format!("--kubelet-client-certificate={}", pki("kubelet-client.crt")),
            format!("--kubelet-client-key={}", pki("kubelet-client.key")),
            format!("--audit-policy-file={FILES}/audit-policy.yaml"),
            format!("--audit-log-path={}", self.audit_log().display()),
        ]);
        args.extend(options.apiserver.iter().map(|flag| (*flag).to_owned()));
        self.run(Program::ApiServer, assets, args);
        self.await_api_server().await;
    }

    async fn await_api_server(&self) {
        self.await_program(Program::ApiServer, || async {
            let request = http::Request::get("/readyz").body(Vec::new()).expect("a request");
            let answer = self.client.request_text(request);
            matches!(tokio::time::timeout(Duration::from_secs(2), answer).await, Ok(Ok(_)))
        })
        .await;
    }

    fn start_controller_manager(&self, assets: &Assets, port: u16) {
        let pki = |name: &str| self.path("pki").join(name).display().to_string();
        self.run(
            Program::ControllerManager,
            assets,
            vec![
                format!("--kubeconfig={}", self.kubeconfig("controller-manager").display()),
                "--leader-elect=false".to_owned(),
                "--use-service-account-credentials=false".to_owned(),
                format!("--service-account-private-key-file={}", pki("service-account.key")),
                format!("--root-ca-file={}", pki("ca.crt")),
                "--bind-address=127.0.0.1".to_owned(),
                format!("--secure-port={port}"),
                format!("--tls-cert-file={}", pki("apiserver.crt")),
                format!("--tls-private-key-file={}", pki("apiserver.key")),
                "--controllers=*,-node-lifecycle-controller,-node-ipam-controller,\
                 -cloud-node-lifecycle-controller,-bootstrap-signer-controller,-token-cleaner-controller"
                    .to_owned(),
            ],
        );
    }

    async fn start_kwok(&self, assets: &Assets, port: u16) {
        self.prepare_kubelet().await;
        let pki = |name: &str| self.path("pki").join(name).display().to_string();
        self.run(
            Program::Kwok,
            assets,
            vec![
                format!("--kubeconfig={}", self.kubeconfig("kwok").display()),
                format!("--config={FILES}/stages.yaml"),
                "--enable-crds=Logs,Exec,PortForward".to_owned(),
                "--manage-all-nodes=true".to_owned(),
                "--node-ip=127.0.0.1".to_owned(),
                format!("--node-port={port}"),
                format!("--server-address=127.0.0.1:{port}"),
                format!("--tls-cert-file={}", pki("kubelet.crt")),
                format!("--tls-private-key-file={}", pki("kubelet.key")),
                "--cidr=10.1.0.0/16".to_owned(),
                "--node-lease-duration-seconds=40".to_owned(),
            ],
        );
        self.apply(&json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}}).to_string())
            .await;
        self.await_program(Program::Kwok, || async {
            let node = self.get("v1", "Node", "", "node-1").await.unwrap_or_default();
            node["status"]["conditions"]
                .as_array()
                .is_some_and(|all| all.iter().any(|one| one["type"] == "Ready" && one["status"] == "True"))
        })
        .await;
    }

    fn run(&self, program: Program, assets: &Assets, args: Vec<String>) {
        let recipe = Recipe { program: assets.program(program.name()), args, path: Some(self.path("bin")) };
        self.programs.start(program.name(), recipe);
    }

    async fn await_program<F: Future<Output = bool>>(&self, program: Program, ready: impl Fn() -> F) {
        let end = tokio::time::Instant::now() + Duration::from_secs(90);
        while !ready().await {
            self.programs.check(program.name());
            let late = tokio::time::Instant::now() > end;
            assert!(!late, "{program:?} is not ready:\n{}", self.programs.tail(program.name()));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The client of the administrator.
    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// The kubeconfig of `admin`, or of an identity by its name.
    pub(crate) fn kubeconfig(&self, name: &str) -> PathBuf {
        self.path("kubeconfigs").join(name)
    }

    /// What the API server wrote about every change (`controlplane/audit-policy.yaml`).
    pub(crate) fn audit_log(&self) -> PathBuf {
        self.path("log").join("audit.log")
    }

    /// A place in the plane's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Ends a program at once, as a crash would.
    pub(crate) fn kill(&self, program: Program) -> Recipe {
        self.programs.kill(program.name())
    }

    /// Starts a program that was killed; of the API server also waits until it answers.
    pub(crate) async fn start_again(&self, program: Program, recipe: Recipe) {
        self.programs.start(program.name(), recipe);
        if program == Program::ApiServer {
            self.await_api_server().await;
        }
    }

    /// Ends a program and starts it again.
    pub(crate) async fn restart(&self, program: Program) {
        let recipe = self.kill(program);
        self.start_again(program, recipe).await;
    }

    /// Stops a program where it is; its connections stay open and silent.
    pub(crate) fn pause(&self, program: Program) {
        self.programs.signal(program.name(), "STOP");
    }

    pub(crate) fn resume(&self, program: Program) {
        self.programs.signal(program.name(), "CONT");
    }

    /// Ends everything; what `drop` does, for a plane that nobody drops.
    pub(crate) fn end(&self) {
        self.programs.end();
    }
}

/// Writes certificates, keys and kubeconfigs; the client of the administrator.
async fn write_kubeconfigs(folder: &Path, authority: &Authority, address: SocketAddr) -> Client {
    let pki = folder.join("pki");
    std::fs::write(pki.join("ca.crt"), authority.pem()).expect("a certificate");
    authority.server("kube-apiserver").write(&pki, "apiserver");
    authority.server("kubelet").write(&pki, "kubelet");
    authority.client("kube-apiserver-kubelet-client", "system:masters").write(&pki, "kubelet-client");
    let key = rcgen::KeyPair::generate().expect("a key");
    std::fs::write(pki.join("service-account.key"), key.serialize_pem()).expect("a key");
    std::fs::write(pki.join("service-account.pub"), key.public_key_pem()).expect("a key");
    for (name, user) in
        [("admin", "admin"), ("controller-manager", "system:kube-controller-manager"), ("kwok", "kwok")]
    {
        let signed = authority.client(user, "system:masters");
        let user = json!({
            "client-certificate-data": identity::base64(&signed.certificate),
            "client-key-data": identity::base64(&signed.key),
        });
        let text = identity::kubeconfig(authority, address, name, &user);
        std::fs::write(folder.join("kubeconfigs").join(name), text).expect("a kubeconfig");
    }
    identity::client(&folder.join("kubeconfigs/admin")).await
}
