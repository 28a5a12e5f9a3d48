//! Completions: names that begin as somebody types them, from what this identity may read.
//!
//! Nothing is an error here: what cannot be read offers no names. Only names that are safe to show as
//! they are are offered; a client puts them into arguments.

use std::collections::{BTreeMap, BTreeSet};

use super::{Completable, Source, Toolbox};
use crate::evidence::gather;
use crate::evidence::live::Live;
use crate::report::text::Text;

impl Toolbox {
    /// Values that begin with `prefix`, sorted, from what this identity may read. `context` holds the
    /// arguments already chosen.
    pub async fn complete(
        &self,
        what: Completable,
        prefix: &str,
        context: &BTreeMap<String, String>,
    ) -> Vec<String> {
        let chosen = |name: &str| context.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let found = match what {
            Completable::Context => self.contexts().await,
            Completable::Namespace | Completable::Ingress | Completable::Host => {
                self.names(what, chosen("context"), chosen("namespace")).await
            }
        };
        let prefix = prefix.to_lowercase();
        found
            .into_iter()
            .filter(|name| name.to_lowercase().starts_with(&prefix))
            .filter(|name| Text::new(name).as_str() == name)
            .collect()
    }

    async fn contexts(&self) -> BTreeSet<String> {
        if let Source::Cluster { kubeconfig, .. } = &self.settings().source {
            let found = Live::contexts(kubeconfig.as_deref());
            return found.map(|(names, _)| names.into_iter().collect()).unwrap_or_default();
        }
        let opened = self.cluster(None).await;
        opened.ok().and_then(|cluster| cluster.context()).into_iter().collect()
    }

    async fn names(
        &self,
        what: Completable,
        context: Option<&str>,
        namespace: Option<&str>,
    ) -> BTreeSet<String> {
        let Ok(cluster) = self.cluster(context).await else { return BTreeSet::new() };
        let namespace = namespace.or(self.settings().namespace.as_deref());
        let focus = namespace.map(ToOwned::to_owned).into_iter().collect();
        let ingresses = gather::ingresses(&cluster, &focus).await;
        let inside = |of: &str| namespace.is_none_or(|namespace| namespace == of);
        let ingresses = ingresses.items().iter();
        match what {
            Completable::Context => BTreeSet::new(),
            Completable::Namespace => {
                let spaces = gather::namespaces(&cluster).await;
                let named = spaces.items().iter().map(|space| space.meta.name.clone());
                named.chain(ingresses.map(|ingress| ingress.meta.namespace.clone())).collect()
            }
            Completable::Ingress => ingresses
                .filter(|ingress| inside(&ingress.meta.namespace))
                .map(|ingress| ingress.meta.name.clone())
                .collect(),
            // A wildcard is no host that anybody can ask for.
            Completable::Host => ingresses
                .filter(|ingress| inside(&ingress.meta.namespace))
                .flat_map(|ingress| ingress.hosts())
                .filter(|host| !host.contains('*'))
                .map(ToOwned::to_owned)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::Settings;

    async fn complete(what: Completable, prefix: &str, context: &[(&str, &str)]) -> Vec<String> {
        let toolbox = Toolbox::new(Settings { source: Source::Demo, ..Settings::default() });
        let context = context.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        toolbox.complete(what, prefix, &context).await
    }

    #[tokio::test]
    async fn names_are_offered_sorted_and_by_their_beginning() {
        let namespaces = complete(Completable::Namespace, "", &[]).await;
        assert!(namespaces.is_sorted() && namespaces.iter().any(|name| name == "checkout"), "{namespaces:?}");
        assert_eq!(complete(Completable::Namespace, "CHECK", &[]).await, ["checkout"]);
        assert_eq!(
            complete(Completable::Ingress, "", &[("namespace", "checkout")]).await,
            ["checkout", "returns"]
        );
        assert_eq!(complete(Completable::Host, "ret", &[]).await, ["returns.example.com"]);
        assert_eq!(complete(Completable::Context, "", &[]).await, ["shop-prod"]);
    }

    #[tokio::test]
    async fn what_is_not_there_offers_nothing() {
        assert_eq!(
            complete(Completable::Ingress, "", &[("namespace", "nowhere")]).await,
            Vec::<String>::new()
        );
        let missing = Source::Capture("/nowhere".into());
        let toolbox = Toolbox::new(Settings { source: missing, ..Settings::default() });
        let none = BTreeMap::new();
        assert_eq!(toolbox.complete(Completable::Namespace, "", &none).await, Vec::<String>::new());
        assert_eq!(toolbox.complete(Completable::Context, "", &none).await, Vec::<String>::new());
    }
}
