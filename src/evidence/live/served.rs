//! In which version the server serves a kind that is not part of Kubernetes itself.
//!
//! The kinds of the Gateway API are installed apart, in different versions, or not at all. The server is
//! asked once a minute: one request where the group is not installed, else one more for each version.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::sync::Mutex;

use super::Live;
use super::failure::Failure;
use super::transport::{self, Call};
use crate::model::gap::Why;
use crate::model::object::Kind;

const ANSWER_HOLDS: Duration = Duration::from_mins(1);
/// Versions whose objects can be read, the preferred one first.
const VERSIONS: [&str; 2] = ["v1", "v1beta1"];

/// By plural resource name; `None` where the group is not installed.
type Versions = Option<BTreeMap<String, &'static str>>;

/// The answer of the last minute.
#[derive(Default)]
pub(super) struct Served(Mutex<Option<(Instant, Versions)>>);

#[derive(Deserialize)]
struct Group {
    versions: Vec<GroupVersion>,
}

#[derive(Deserialize)]
struct GroupVersion {
    version: String,
}

#[derive(Deserialize)]
struct Resources {
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
}

impl Live {
    /// The version to ask for a kind in.
    pub(super) async fn version_of(&self, kind: Kind) -> Result<&'static str, Why> {
        if !Kind::GATEWAY.contains(&kind) {
            return Ok("v1");
        }
        // Held while asking: lists that run side by side ask once.
        let mut held = self.served.0.lock().await;
        if held.as_ref().is_none_or(|(at, _)| ANSWER_HOLDS <= at.elapsed()) {
            let found = self.discover(kind.api_group()).await;
            *held = Some((Instant::now(), found));
        }
        match held.as_ref().and_then(|(_, versions)| versions.as_ref()) {
            Some(versions) => versions.get(kind.resource()).copied().ok_or(Why::NotInstalled),
            None => Err(Why::NotInstalled),
        }
    }

    async fn discover(&self, group: &str) -> Versions {
        let root = format!("/apis/{group}");
        let installed = match self.ask::<Group>(root.clone()).await {
            Ok(found) => found.versions.into_iter().map(|version| version.version).collect(),
            Err(Failure::Refusal(refusal)) if refusal.code == 404 && !refusal.is_html => return None,
            // Discovery refused: the lists themselves will say what is what.
            Err(_) => VERSIONS.map(str::to_owned).to_vec(),
        };
        let mut served = BTreeMap::new();
        for version in VERSIONS.into_iter().filter(|version| installed.iter().any(|one| one == version)) {
            let names: Vec<String> = match self.ask::<Resources>(format!("{root}/{version}")).await {
                Ok(found) => found.resources.into_iter().map(|resource| resource.name).collect(),
                Err(_) => Kind::GATEWAY.map(|kind| kind.resource().to_owned()).to_vec(),
            };
            for name in names {
                served.entry(name).or_insert(version);
            }
        }
        Some(served)
    }

    async fn ask<T: serde::de::DeserializeOwned>(&self, path: String) -> Result<T, Failure> {
        transport::decode(&self.transport.fetch(&Call::get(path)).await?)
    }
}
