//! Which of the needed rights this identity has: every row of the table is asked of the API server itself.

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};

use super::live::Live;
use super::permissions::{Grant, PERMISSIONS, Permission};
use crate::model::gap::Why;
use crate::model::object::Name;

/// Questions on their way at once.
const AT_ONCE: usize = 8;

/// Where something may be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    Everywhere,
    /// In these namespaces, of those that were asked for; none: nowhere.
    In(BTreeSet<String>),
    /// The server did not say.
    Unknown(Why),
}

/// One row with what the server said of each verb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    pub permission: &'static Permission,
    pub verbs: BTreeMap<&'static str, Held>,
}

/// Asks for every row: in all namespaces, and where that is refused in these. ConfigMaps are asked for by
/// name.
pub async fn review(live: &Live, namespaces: &BTreeSet<String>, config_maps: &BTreeSet<Name>) -> Vec<Right> {
    // Boxed: the compiler does not see through closures that this is `Send`.
    let asked: Vec<BoxFuture<'_, _>> = PERMISSIONS
        .iter()
        .flat_map(|row| row.verbs.iter().map(move |verb| (row, *verb)))
        .map(|(row, verb)| {
            async move { (row, verb, held(live, row, verb, namespaces, config_maps).await) }.boxed()
        })
        .collect();
    let answers: Vec<_> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    let mut rights: Vec<Right> = Vec::new();
    for (row, verb, held) in answers {
        match rights.last_mut().filter(|right| right.permission == row) {
            Some(right) => _ = right.verbs.insert(verb, held),
            None => rights.push(Right { permission: row, verbs: BTreeMap::from([(verb, held)]) }),
        }
    }
    rights
}

async fn held(
    live: &Live,
    row: &'static Permission,
    verb: &str,
    namespaces: &BTreeSet<String>,
    config_maps: &BTreeSet<Name>,
) -> Held {
    let Permission { group, resource, subresource, grant, .. } = *row;
    match live.allowed(verb, group, resource, subresource, None).await {
        Ok(true) => return Held::Everywhere,
        Ok(false) if row.is_cluster_scoped() => return Held::In(BTreeSet::new()),
        Ok(false) => {}
        Err(why) => return Held::Unknown(why),
    }
    let by_name = grant == Grant::ControllerConfig && !config_maps.is_empty();
    let places: Vec<(&str, Option<&str>)> = if by_name {
        config_maps.iter().map(|map| (map.namespace.as_str(), Some(map.name.as_str()))).collect()
    } else {
        namespaces.iter().map(|namespace| (namespace.as_str(), None)).collect()
    };
    let mut held = BTreeSet::new();
    for (namespace, name) in places {
        match live.allowed_for(verb, group, resource, subresource, Some(namespace), name).await {
            Ok(true) => _ = held.insert(namespace.to_owned()),
            Ok(false) => {}
            Err(why) => return Held::Unknown(why),
        }
    }
    Held::In(held)
}
