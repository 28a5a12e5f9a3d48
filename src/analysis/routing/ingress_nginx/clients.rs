//! Certificates of clients: `auth-tls-secret`.
//!
//! Whether a client brings one is not part of a request: it is noted, not decided. Plain requests are
//! not asked for any.
//! Sources: kubernetes/ingress-nginx `internal/ingress/annotations/authtls`, `annotations.go`
//! (`Extract`), `internal/ingress/controller/controller.go` (`AuthTLSError`),
//! `rootfs/etc/nginx/template/nginx.tmpl`, v1.15.1.

use crate::analysis::routing::{Decision, Note, Outcome};
use crate::model::object::Name;
use crate::model::request::Scheme;

use super::decide::{Visit, annotation};
use super::options::ClientCertificates;
use super::{Table, errors};

impl Table {
    /// Of Ingresses that ask for certificates, the first whose Secret with the authority is not there or
    /// may not be used.
    pub(super) fn lacking_authority<'t>(&'t self, asking: &'t [usize]) -> Option<&'t Name> {
        let void = self.certificates_wanted(asking).find(|(_, wanted)| match (wanted, &self.secrets) {
            (ClientCertificates::Void, _) => true,
            (ClientCertificates::Of(secret), Some(names)) => !names.contains(secret),
            (ClientCertificates::Of(_), None) => false,
        });
        void.map(|(ingress, _)| ingress)
    }

    fn certificates_wanted<'t>(
        &'t self,
        asking: &'t [usize],
    ) -> impl Iterator<Item = (&'t Name, &'t ClientCertificates)> {
        asking.iter().filter_map(|number| {
            let ingress = self.loaded.get(*number)?;
            Some((&ingress.name, ingress.options.client_certificates.as_ref()?))
        })
    }
}

impl Visit<'_> {
    /// Without the authority a host has no locations, and nothing but 403.
    pub(super) fn without_authority(&self) -> Option<Decision> {
        let ingress = self.table.lacking_authority(&self.site.client_certificates)?;
        let mut decision = Decision::bare(Outcome::Refused, Some(403));
        decision.notes.push(annotation(ingress, "auth-tls-secret"));
        Some(errors::lost(self.table, decision))
    }

    /// What cannot be told of certificates that clients should bring.
    pub(super) fn certificate_notes(&self) -> Vec<Note> {
        let mut wanted = self.table.certificates_wanted(&self.site.client_certificates);
        let Some((ingress, wanted)) = wanted.next() else { return Vec::new() };
        let unseen = match (wanted, &self.table.secrets) {
            (ClientCertificates::Of(secret), None) => Some(Note::SecretUnseen(secret.clone())),
            (ClientCertificates::Of(_) | ClientCertificates::Void, _) => None,
        };
        let asked = (self.request.scheme == Scheme::Https).then(|| Note::ConditionUndecided {
            ingress: ingress.clone(),
            condition: "auth-tls-secret".to_owned(),
        });
        unseen.into_iter().chain(asked).collect()
    }
}
