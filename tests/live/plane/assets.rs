//! Where the programs are: in `KUBEBUILDER_ASSETS`, or in the cache that `controlplane/build` fills and
//! verifies.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The folder of the tests' own files: manifests of kwok, the audit policy, the build script.
pub(crate) const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/controlplane");

/// A folder with the four programs.
#[derive(Debug, Clone)]
pub(crate) struct Assets(PathBuf);

impl Assets {
    /// The programs that are there already; else how to get them.
    pub(crate) fn find() -> Result<Self, String> {
        let script = Path::new(FILES).join("build");
        let found = Command::new("bash")
            .arg(script)
            .arg("--cached")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()
            .filter(|output| output.status.success())
            .and_then(|output| {
                let line = String::from_utf8(output.stdout).ok()?;
                line.trim().strip_prefix("KUBEBUILDER_ASSETS=").map(PathBuf::from)
            });
        found.map(Self).ok_or_else(|| {
            "no kube-apiserver to run against; `export $(bash tests/live/controlplane/build)` makes one \
             from Go modules, once, in about 6 minutes"
                .to_owned()
        })
    }

    /// The CRDs of the Gateway API, where they are there already; else it is said why not.
    pub(crate) fn gateway_api() -> Option<PathBuf> {
        let fetch = Path::new(FILES).join("gateway-api").join("fetch");
        let output = Command::new("bash").arg(fetch).arg("--cached").stdin(Stdio::null()).output().ok()?;
        if !output.status.success() {
            eprint!("{}", String::from_utf8_lossy(&output.stderr));
            return None;
        }
        Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}
