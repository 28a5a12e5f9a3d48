//! A real nginx in the place of the one inside an ingress-nginx pod: it serves the configuration that the
//! controller would have written, and its access log, in ingress-nginx's own format, is the pod's log.
//!
//! The controller's part, to follow the Ingresses, is the case's: see [`Nginx::serve`].

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::plane::program::Recipe;
use crate::plane::{Plane, ports};

/// A location of a host: requests at or below `path` go to a Service.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route<'a> {
    pub(crate) path: &'a str,
    /// `namespace-service-port`, as the controller names its upstreams.
    pub(crate) upstream: &'a str,
}

/// One running nginx.
pub(crate) struct Nginx {
    pub(crate) address: SocketAddr,
    /// The application behind it: answers 200, and 404 to paths that contain `missing`.
    app: SocketAddr,
    default_backend: SocketAddr,
    sites: PathBuf,
}

const NAME: &str = "nginx";

/// The program, where it is installed.
pub(crate) fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    folders.map(|folder| folder.join("nginx")).find(|file| file.exists())
}

impl Nginx {
    /// Starts it; what it serves is written to `log`.
    pub(crate) async fn start(plane: &Plane, program: &Path, log: &Path) -> Self {
        let folder = plane.path(NAME);
        let sites = folder.join("sites");
        std::fs::create_dir_all(&sites).expect("a folder");
        let [entry, app, default_backend] =
            ports::free().map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let config = folder.join("nginx.conf");
        std::fs::write(&config, main_config(&folder, log, entry, app, default_backend)).expect("a file");
        let recipe = Recipe {
            program: program.to_owned(),
            args: vec![
                "-p".to_owned(),
                folder.display().to_string(),
                "-c".to_owned(),
                config.display().to_string(),
            ],
            path: None,
        };
        plane.programs.start(NAME, recipe);
        let nginx = Self { address: entry, app, default_backend, sites };
        plane
            .until("nginx answers", || async {
                plane.programs.check(NAME);
                nginx.get("nobody.example", "/").await
            })
            .await;
        nginx
    }

    /// Serves a host by these routes from now on, and no longer by those it had: what the controller
    /// writes and reloads after an Ingress has changed. A host without routes is not known any more: the
    /// catch-all server answers, which logs nothing.
    pub(crate) async fn serve(&self, plane: &Plane, host: &str, routes: &[Route<'_>]) {
        let marker = format!("/reloaded-{}", chrono::Utc::now().timestamp_micros());
        // The catch-all knows markers too.
        let (file, text) = if routes.is_empty() {
            std::fs::remove_file(self.sites.join(format!("{host}.conf"))).expect("a file");
            (self.sites.join("marker.inc"), format!("location = {marker} {{ return 204; }}\n"))
        } else {
            (self.sites.join(format!("{host}.conf")), self.site(host, routes, &marker))
        };
        std::fs::write(file, text).expect("a file");
        plane.programs.signal(NAME, "HUP");
        plane
            .until("nginx is reloaded", || async {
                // The old worker takes connections for some 100 ms beside the new one.
                for _ in 0..6 {
                    if self.get(host, &marker).await != Some(204) {
                        return None;
                    }
                    tokio::time::sleep(Duration::from_millis(40)).await;
                }
                Some(())
            })
            .await;
    }

    fn site(&self, host: &str, routes: &[Route<'_>], marker: &str) -> String {
        let Self { address, app, default_backend, .. } = self;
        let mut site = format!("server {{ listen {address}; server_name {host};\n");
        site.push_str("set $proxy_alternative_upstream_name \"\";\n");
        let _ = writeln!(site, "location = {marker} {{ access_log off; return 204; }}");
        let mut location = |matches: &str, upstream: &str, to: &SocketAddr| {
            let _ = writeln!(
                site,
                "location {matches} {{ set $proxy_upstream_name \"{upstream}\"; \
                 proxy_set_header Host $host; proxy_pass http://{to}; }}"
            );
        };
        for Route { path, upstream } in routes {
            let path = path.trim_end_matches('/');
            location(&format!("{path}/"), upstream, app);
            if !path.is_empty() {
                location(&format!("= {path}"), upstream, app);
            }
        }
        if !routes.iter().any(|route| route.path == "/") {
            location("/", "upstream-default-backend", default_backend);
        }
        site.push_str("}\n");
        site
    }

    /// The application behind it.
    pub(crate) const fn app(&self) -> SocketAddr {
        self.app
    }

    /// Sends a GET as a client would; its status, when there is an answer.
    pub(crate) async fn get(&self, host: &str, path: &str) -> Option<u16> {
        let work = async {
            let mut stream = TcpStream::connect(self.address).await.ok()?;
            let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.ok()?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.ok()?;
            String::from_utf8_lossy(&answer).split_whitespace().nth(1)?.parse().ok()
        };
        tokio::time::timeout(Duration::from_secs(5), work).await.ok().flatten()
    }
}

fn main_config(
    folder: &Path,
    log: &Path,
    entry: SocketAddr,
    app: SocketAddr,
    default_backend: SocketAddr,
) -> String {
    let (folder, log) = (folder.display(), log.display());
    // The head of a line is what the kubelet's runtime writes. `user` counts for root only, whose folder
    // no other user could look into.
    format!(
        r#"daemon off; worker_processes 1; user root root; pid {folder}/pid; error_log stderr error;
events {{ worker_connections 256; }}
http {{
  log_format upstreaminfo '$time_iso8601 stdout F $remote_addr - $remote_user [$time_local] "$request" '
    '$status $body_bytes_sent "$http_referer" "$http_user_agent" $request_length $request_time '
    '[$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr $upstream_response_length '
    '$upstream_response_time $upstream_status $request_id';
  access_log {log} upstreaminfo;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server_tokens off;
  server {{ listen {entry} default_server; server_name _; access_log off;
    set $proxy_upstream_name "-"; set $proxy_alternative_upstream_name "";
    include {folder}/sites/*.inc;
    location / {{ proxy_pass http://{default_backend}; }} }}
  server {{ listen {default_backend}; access_log off; location / {{ return 404; }} }}
  server {{ listen {app}; access_log off; default_type text/plain;
    location / {{ return 200 "app\n"; }}
    location ~ missing {{ return 404 "no such page\n"; }} }}
  include {folder}/sites/*.conf;
}}
"#
    )
}
