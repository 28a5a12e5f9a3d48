//! In which version the server serves a kind that is not part of Kubernetes itself.
//!
//! The kinds of the Gateway API are installed apart, in different versions, or not at all. The server is
//! asked once a minute: one request where the group is not installed, else one more for each version. That
//! it did not answer is told to those who wait for that answer, and not remembered.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::sync::Mutex;

use super::Live;
use super::failure::Failure;
use super::refusal::About;
use super::transport::{self, Call};
use crate::model::gap::Why;
use crate::model::object::Kind;

const ANSWER_HOLDS: Duration = Duration::from_mins(1);
/// Versions whose objects can be read, the preferred one first.
const VERSIONS: [&str; 2] = ["v1", "v1beta1"];

/// The version to ask for a kind in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) name: &'static str,
    /// Whether the server said that it serves it.
    pub(super) is_served: bool,
}

impl Version {
    const CORE: Self = Self { name: "v1", is_served: true };
    /// The server does not say what it serves; the list itself will tell.
    const GUESS: Self = Self { name: "v1", is_served: false };
}

/// What the server serves of the group.
#[derive(Debug, Clone)]
enum Found {
    NotInstalled,
    /// By plural resource name; `None` where it is served, and in no version that can be read.
    Versions(BTreeMap<String, Option<&'static str>>),
    /// This identity may not ask.
    Refused,
    /// There was no answer.
    Nothing(Why),
}

/// The last answer, and when it came.
#[derive(Default)]
pub(super) struct Served(Mutex<Option<(Instant, Found)>>);

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
    pub(super) async fn version_of(&self, kind: Kind) -> Result<Version, Why> {
        if !Kind::GATEWAY.contains(&kind) {
            return Ok(Version::CORE);
        }
        let wanted = Instant::now();
        // Held while asking: lists that run side by side ask once.
        let mut held = self.served.0.lock().await;
        let holds = held.as_ref().is_some_and(|(at, found)| match found {
            Found::Nothing(_) => wanted <= *at,
            Found::NotInstalled | Found::Versions(_) | Found::Refused => at.elapsed() < ANSWER_HOLDS,
        });
        if !holds {
            let found = self.discover(kind.api_group()).await;
            *held = Some((Instant::now(), found));
        }
        match held.as_ref().map(|(_, found)| found) {
            Some(Found::Versions(versions)) => match versions.get(kind.resource()) {
                Some(Some(name)) => Ok(Version { name, is_served: true }),
                Some(None) => Err(Why::Unsupported {
                    detail: format!("{kind} is served in no version of {}", VERSIONS.join(", ")),
                }),
                None => Err(Why::NotInstalled),
            },
            Some(Found::NotInstalled) => Err(Why::NotInstalled),
            Some(Found::Nothing(why)) => Err(why.clone()),
            Some(Found::Refused) | None => Ok(Version::GUESS),
        }
    }

    async fn discover(&self, group: &'static str) -> Found {
        let root = format!("/apis/{group}");
        let installed: Vec<String> = match self.ask::<Group>(root.clone()).await {
            Ok(found) => found.versions.into_iter().map(|version| version.version).collect(),
            Err(Failure::Refusal(refusal)) if refusal.code == 404 && !refusal.is_html => {
                return Found::NotInstalled;
            }
            Err(failure) => return self.nothing(&failure, group, root),
        };
        let known = VERSIONS.into_iter().filter(|version| installed.iter().any(|one| one == version));
        let mut served: BTreeMap<String, Option<&'static str>> = BTreeMap::new();
        for version in known {
            match self.resources(group, version).await {
                Ok(names) => {
                    names.into_iter().for_each(|name| _ = served.entry(name).or_insert(Some(version)))
                }
                Err(found) => return found,
            }
        }
        for version in installed.iter().filter(|one| !VERSIONS.contains(&one.as_str())) {
            // What is there in other versions only is not absent.
            if Kind::GATEWAY.iter().all(|kind| served.contains_key(kind.resource())) {
                break;
            }
            match self.resources(group, version).await {
                Ok(names) => names.into_iter().for_each(|name| _ = served.entry(name).or_insert(None)),
                Err(found) => return found,
            }
        }
        Found::Versions(served)
    }

    /// The names of what is served in a version.
    async fn resources(&self, group: &'static str, version: &str) -> Result<Vec<String>, Found> {
        let path = format!("/apis/{group}/{version}");
        match self.ask::<Resources>(path.clone()).await {
            Ok(found) => Ok(found.resources.into_iter().map(|resource| resource.name).collect()),
            Err(failure) => Err(self.nothing(&failure, group, path)),
        }
    }

    fn nothing(&self, failure: &Failure, group: &'static str, resource: String) -> Found {
        match self.why(failure, &About { verb: "get", group, resource, namespace: None }) {
            Why::Forbidden { .. } => Found::Refused,
            why => Found::Nothing(why),
        }
    }

    async fn ask<T: serde::de::DeserializeOwned>(&self, path: String) -> Result<T, Failure> {
        transport::decode(&self.transport.fetch(&Call::get(path)).await?)
    }
}
