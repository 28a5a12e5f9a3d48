//! What the annotations of a location's Ingress have it do.

use super::super::admission::Controller;
use super::super::servers::Location;
use crate::nginx::objects::Ingress;

#[derive(Debug, Default)]
pub(super) struct Actions {
    pub(super) app_root: Option<String>,
    pub(super) redirect: Option<(u16, String)>,
    pub(super) relative: bool,
    pub(super) port: bool,
    pub(super) denied: bool,
    pub(super) deny: Vec<String>,
    pub(super) allow: Vec<String>,
    pub(super) basic: bool,
    pub(super) auth_url: Option<String>,
    pub(super) snippet: Option<String>,
    pub(super) errors: Option<String>,
    force_tls: bool,
    tls: bool,
    never_tls: bool,
    slash: bool,
}

impl Actions {
    pub(super) fn of(controller: &Controller<'_>, location: &Location) -> Self {
        let auth_url = controller.cluster.config("global-auth-url").map(ToOwned::to_owned);
        let mut actions = Self { auth_url, ..Self::default() };
        let exempt = controller.cluster.config("no-tls-redirect-locations");
        let exempt = exempt.unwrap_or("/.well-known/acme-challenge").split(',').map(str::trim);
        actions.never_tls =
            exempt.filter(|prefix| !prefix.is_empty()).any(|prefix| location.path.starts_with(prefix));
        let Some(owner) = location.owner else { return actions };
        let ingress = controller.loaded[owner];
        let text = |name: &str| controller.text(ingress, name).map(ToOwned::to_owned);
        let switch = |name: &str, usual: bool| {
            controller.switch(ingress, name).unwrap_or_else(|| controller.config_switch(name, usual))
        };
        actions.port = switch("use-port-in-redirects", false);
        actions.errors = text("custom-http-errors");
        actions.snippet = text("configuration-snippet").filter(|_| controller.has_snippets());
        actions.access(controller, ingress);
        if location.bare {
            return actions;
        }
        actions.force_tls = switch("force-ssl-redirect", false);
        actions.tls = switch("ssl-redirect", true);
        actions.slash = switch("preserve-trailing-slash", false);
        actions.app_root = text("app-root").filter(|root| root.starts_with('/'));
        actions.redirect(controller, ingress);
        actions
    }

    fn redirect(&mut self, controller: &Controller<'_>, ingress: &Ingress) {
        let code = |name: &str, last: i64, usual: u16| {
            let code = controller.integer(ingress, name).filter(|code| (300..=last).contains(code));
            code.and_then(|code| u16::try_from(code).ok()).unwrap_or(usual)
        };
        let is_void = controller.is_set(ingress, "temporal-redirect")
            && controller.text(ingress, "temporal-redirect").is_none();
        if is_void {
            return;
        }
        self.relative = controller.switch(ingress, "relative-redirects") == Some(true);
        let temporal = controller.text(ingress, "temporal-redirect");
        self.redirect = match (temporal, controller.text(ingress, "permanent-redirect")) {
            (Some(url), _) => Some((code("temporal-redirect-code", 307, 302), url.to_owned())),
            (None, Some(url)) => Some((code("permanent-redirect-code", 308, 301), url.to_owned())),
            (None, None) => None,
        };
    }

    fn access(&mut self, controller: &Controller<'_>, ingress: &Ingress) {
        let list = |name: &str| -> Vec<String> {
            let text = controller.text(ingress, name).unwrap_or_default();
            text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(ToOwned::to_owned).collect()
        };
        let is_network = |text: &String| {
            text.split('/').next().is_some_and(|address| address.parse::<std::net::IpAddr>().is_ok())
        };
        self.deny = list("denylist-source-range");
        self.allow = list("allowlist-source-range");
        if self.allow.is_empty() {
            self.allow = list("whitelist-source-range");
        }
        self.denied = !self.deny.iter().chain(&self.allow).all(is_network);
        if controller.text(ingress, "auth-type").is_some() {
            let secret = controller.text(ingress, "auth-secret").unwrap_or_default();
            let (namespace, name) = secret.split_once('/').unwrap_or((&ingress.namespace, secret));
            let crosses = controller.config_switch("allow-cross-namespace-resources", false);
            let usable = crosses || namespace == ingress.namespace;
            self.basic = usable && controller.cluster.has_secret(namespace, name);
            self.denied |= !self.basic;
        }
        match controller.text(ingress, "auth-url") {
            Some(url) if url.starts_with("http://") => self.auth_url = Some(url.to_owned()),
            Some(_) => self.denied = true,
            None if controller.switch(ingress, "enable-global-auth") == Some(false) => self.auth_url = None,
            None => {}
        }
    }

    /// As the stand-in for the controller's Lua reads it.
    pub(super) fn lua(&self) -> String {
        let Self { force_tls, tls, never_tls, slash, .. } = self;
        let port = if self.port { ":443" } else { "" };
        format!("{{ force={force_tls}, tls={tls}, never={never_tls}, slash={slash}, port=\"{port}\" }}")
    }
}
