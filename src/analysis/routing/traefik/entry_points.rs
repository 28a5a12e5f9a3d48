//! Entry points: where Traefik listens, and what its static configuration does to every request there.
//!
//! Assumptions: arguments and a configuration file exclude each other, a file wins, and neither it nor
//! the environment is read here. Without arguments there are the entry points of the official chart:
//! `web`, and `websecure` with TLS. Of several entry points that could take a request, the one whose
//! port the URL names does, else the one of the usual name, else the first by name.
//! By version: paths are sanitised from 3.3.6 (2.11.24) on and normalised from 3.4.1 (2.11.25) on;
//! from 3.6.4 to 3.6.6 reserved escapes are refused unless allowed.
//! Sources: traefik/traefik `pkg/config/static/{entrypoints,static_config}.go`,
//! `pkg/provider/traefik/internal.go`, `cmd/traefik/traefik.go` (`getDefaultsEntrypoints`), v3.7.13;
//! `docs/content/migrate/v3.md`.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::controller::{Settings, Version};
use crate::model::request::{Request, Scheme};

/// Entry points beyond this many are not told apart.
const MOST: usize = 63;

/// What an entry point does with `X-Forwarded-*` of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::analysis::routing) enum Trust {
    Nobody,
    Everybody,
    /// Those of a list of addresses.
    Some,
}

/// A redirect of everything that comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::analysis::routing) struct Redirect {
    pub(in crate::analysis::routing) scheme: String,
    /// Without the default port of the scheme.
    pub(in crate::analysis::routing) port: Option<String>,
    pub(in crate::analysis::routing) permanent: bool,
    pub(in crate::analysis::routing) priority: i64,
}

#[derive(Debug, Clone)]
pub(in crate::analysis::routing) struct EntryPoint {
    pub(in crate::analysis::routing) name: String,
    pub(in crate::analysis::routing) port: Option<u16>,
    /// Routers here are for TLS, whatever they say.
    pub(in crate::analysis::routing) tls: bool,
    as_default: bool,
    pub(in crate::analysis::routing) normalises: bool,
    pub(in crate::analysis::routing) sanitises: bool,
    /// Bytes whose escapes are refused once a router matches.
    pub(in crate::analysis::routing) denied: Vec<u8>,
    pub(in crate::analysis::routing) middlewares: Vec<String>,
    pub(in crate::analysis::routing) redirect: Option<Redirect>,
    pub(in crate::analysis::routing) trust: Trust,
    /// Traefik itself answers ACME challenges here.
    pub(in crate::analysis::routing) acme: bool,
    pub(in crate::analysis::routing) acme_bypass: bool,
}

#[derive(Debug)]
pub(in crate::analysis::routing) struct EntryPoints {
    all: Vec<EntryPoint>,
    providers: BTreeSet<String>,
    /// They could not be read.
    pub(in crate::analysis::routing) assumed: bool,
}

/// Where a router is: the entry points by bit, without and with TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::analysis::routing) struct Places {
    pub(in crate::analysis::routing) plain: u64,
    pub(in crate::analysis::routing) tls: u64,
}

/// Whether a middleware, service or the like of another provider is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::analysis::routing) enum Reference {
    /// Its provider does not run, or never has such.
    Missing,
    Unseen,
}

const PREFIX: &str = "entrypoints.";

impl EntryPoints {
    pub(in crate::analysis::routing) fn new(settings: &Settings) -> Self {
        let assumed = settings.args.is_empty() || settings.flag("configfile").is_some();
        let mut names: BTreeMap<&str, ()> = BTreeMap::new();
        let flags = if assumed { &[][..] } else { &settings.args };
        for flag in flags {
            if let Some((name, _)) = flag.name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('.')) {
                names.insert(name, ());
            }
        }
        let mut all: Vec<EntryPoint> =
            names.keys().take(MOST).filter_map(|name| EntryPoint::read(name, settings)).collect();
        if assumed {
            let own = |name: &str, port: u16, tls: bool| EntryPoint {
                port: Some(port),
                tls,
                ..EntryPoint::plain(name, settings.version)
            };
            all = vec![own("web", 80, false), own("websecure", 443, true)];
        } else if all.iter().all(EntryPoint::is_internal) {
            all.push(EntryPoint { port: Some(80), ..EntryPoint::plain("http", settings.version) });
        }
        let providers = flags
            .iter()
            .filter(|flag| flag.value.as_deref().is_none_or(|value| !value.eq_ignore_ascii_case("false")))
            .filter_map(|flag| flag.name.strip_prefix("providers.")?.split('.').next())
            .map(ToOwned::to_owned)
            .collect();
        let mut points = Self { all, providers, assumed };
        points.find_redirects(settings);
        points
    }

    fn find_redirects(&mut self, settings: &Settings) {
        let ports: BTreeMap<String, Option<u16>> =
            self.all.iter().map(|point| (point.name.clone(), point.port)).collect();
        for point in &mut self.all {
            let key = |name: &str| format!("{PREFIX}{}.http.redirections.entrypoint.{name}", point.name);
            let Some(to) = settings.value(&key("to")).filter(|to| !to.is_empty() && !self.assumed) else {
                continue;
            };
            let port = match to.strip_prefix(':').filter(|port| port.bytes().all(|b| b.is_ascii_digit())) {
                Some(port) => port.to_owned(),
                None => match ports.get(to) {
                    Some(Some(port)) => port.to_string(),
                    Some(None) | None => continue,
                },
            };
            let scheme = settings.value(&key("scheme")).unwrap_or("https").to_owned();
            let default = matches!((scheme.as_str(), port.as_str()), ("http", "80") | ("https", "443"));
            point.redirect = Some(Redirect {
                permanent: settings.flag(&key("permanent")).is_none() || settings.is_set(&key("permanent")),
                priority: settings
                    .value(&key("priority"))
                    .and_then(|priority| priority.parse().ok())
                    .unwrap_or(i64::MAX - 1),
                port: (!default).then_some(port),
                scheme,
            });
        }
    }

    pub(in crate::analysis::routing) fn iter(&self) -> impl Iterator<Item = (u8, &EntryPoint)> {
        self.all.iter().enumerate().filter_map(|(number, point)| Some((u8::try_from(number).ok()?, point)))
    }

    /// Where a request comes in.
    pub(in crate::analysis::routing) fn of(&self, request: &Request) -> Option<(u8, &EntryPoint)> {
        let open = || self.iter().filter(|(_, point)| !point.is_internal());
        let named = |names: &[&str]| open().find(|(_, point)| names.contains(&point.name.as_str()));
        let tls = request.scheme == Scheme::Https;
        let by_port = request.port.and_then(|port| open().find(|(_, point)| point.port == Some(port)));
        let usual = if tls { &["websecure", "https"][..] } else { &["web", "http"] };
        let ports = if tls { &[443, 8443][..] } else { &[80, 8000, 8080] };
        by_port
            .or_else(|| named(usual))
            .or_else(|| open().find(|(_, point)| point.port.is_some_and(|port| ports.contains(&port))))
            .or_else(|| open().find(|(_, point)| point.tls == tls))
            .or_else(|| open().next())
    }

    /// The entry point of a port.
    pub(in crate::analysis::routing) fn at_port(&self, port: u16) -> Option<(u8, &EntryPoint)> {
        self.iter().find(|(_, point)| point.port == Some(port))
    }

    /// Whether every middleware of the entry point itself may be there; else its routers are not.
    pub(in crate::analysis::routing) fn is_sound(&self, point: &EntryPoint) -> bool {
        point.middlewares.iter().all(|name| self.reference(name) == Reference::Unseen)
    }

    /// The entry points of routers that name none.
    pub(in crate::analysis::routing) fn defaults(&self) -> u64 {
        let chosen = self.all.iter().any(|point| point.as_default);
        self.mask(|point| !point.is_internal() && (!chosen || point.as_default))
    }

    /// The default ones on which routers need not be for TLS; with `chosen`, `asDefault` counts.
    pub(in crate::analysis::routing) fn plain(&self, chosen: bool) -> u64 {
        let chosen = chosen && self.all.iter().any(|point| point.as_default);
        self.mask(|point| !point.is_internal() && !point.tls && (!chosen || point.as_default))
    }

    /// Entry points by name; unknown ones are left out. Arguments give them names in lower case.
    pub(in crate::analysis::routing) fn named(&self, names: &[String]) -> u64 {
        let is_meant = |name: &String, point: &EntryPoint| {
            *name == point.name || (self.assumed && name.eq_ignore_ascii_case(&point.name))
        };
        self.mask(|point| names.iter().any(|name| is_meant(name, point)))
    }

    fn mask(&self, of: impl Fn(&EntryPoint) -> bool) -> u64 {
        self.iter().filter(|(_, point)| of(point)).fold(0, |mask, (number, _)| mask | (1 << number))
    }

    /// A router on these entry points, for TLS or not by itself.
    pub(in crate::analysis::routing) fn places(&self, on: u64, tls: bool) -> Places {
        let forced = if tls { u64::MAX } else { self.mask(|point| point.tls) };
        Places { plain: on & !forced, tls: on & forced }
    }

    /// Whether a thing of another provider exists; `None` where the name is fine as far as is known.
    pub(in crate::analysis::routing) fn reference(&self, name: &str) -> Reference {
        match name.rsplit_once('@') {
            None | Some((_, "kubernetes" | "kubernetesingressnginx")) => Reference::Missing,
            Some((_, "internal")) => Reference::Unseen,
            Some((_, provider))
                if self.assumed || self.providers.contains(&provider.to_ascii_lowercase()) =>
            {
                Reference::Unseen
            }
            Some(_) => Reference::Missing,
        }
    }
}

impl EntryPoint {
    fn is_internal(&self) -> bool {
        self.name == "traefik"
    }

    fn plain(name: &str, version: Option<Version>) -> Self {
        let since = |three: Version, two: Version| {
            version.is_none_or(|version| if version.major < 3 { version >= two } else { version >= three })
        };
        let strict =
            version.is_some_and(|version| (Version::new(3, 6, 4)..Version::new(3, 6, 7)).contains(&version));
        Self {
            name: name.to_owned(),
            port: None,
            tls: false,
            as_default: false,
            normalises: since(Version::new(3, 4, 1), Version::new(2, 11, 25)),
            sanitises: since(Version::new(3, 3, 6), Version::new(2, 11, 24)),
            denied: if strict { ENCODED.iter().map(|(_, byte)| *byte).collect() } else { Vec::new() },
            middlewares: Vec::new(),
            redirect: None,
            trust: Trust::Nobody,
            acme: false,
            acme_bypass: false,
        }
    }

    /// `None` for UDP.
    fn read(name: &str, settings: &Settings) -> Option<Self> {
        let key = |rest: &str| format!("{PREFIX}{name}.{rest}");
        let is_off = |rest: &str| settings.flag(&key(rest)).is_some() && !settings.is_set(&key(rest));
        let mut point = Self::plain(name, settings.version);
        let address = settings.value(&key("address")).unwrap_or_default();
        let (address, protocol) = address.split_once('/').unwrap_or((address, "tcp"));
        if protocol.eq_ignore_ascii_case("udp") {
            return None;
        }
        point.port = address.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let tls = key("http.tls");
        let below = format!("{tls}.");
        point.tls = settings.args.iter().any(|flag| {
            flag.name.starts_with(&below)
                || (flag.name == tls
                    && flag.value.as_deref().is_none_or(|v| v.is_empty() || v.eq_ignore_ascii_case("true")))
        });
        point.as_default = settings.is_set(&key("asdefault"));
        point.sanitises &= !is_off("http.sanitizepath");
        for (option, byte) in ENCODED {
            let option = format!("http.encodedcharacters.{option}");
            if is_off(&option) && !point.denied.contains(&byte) {
                point.denied.push(byte);
            } else if settings.is_set(&key(&option)) {
                point.denied.retain(|denied| *denied != byte);
            }
        }
        point.middlewares = list(settings, &key("http.middlewares"));
        point.trust = if settings.is_set(&key("forwardedheaders.insecure")) {
            Trust::Everybody
        } else if settings.value(&key("forwardedheaders.trustedips")).is_some_and(|list| !list.is_empty()) {
            Trust::Some
        } else {
            Trust::Nobody
        };
        point.acme_bypass = settings.is_set(&key("allowacmebypass"));
        point.acme = settings.args.iter().any(|flag| {
            flag.name.starts_with("certificatesresolvers.")
                && flag.name.ends_with(".acme.httpchallenge.entrypoint")
                && flag.value.as_deref().is_some_and(|value| value.eq_ignore_ascii_case(name))
        });
        Some(point)
    }
}

/// The options of `http.encodedCharacters`, and the byte of each.
const ENCODED: [(&str, u8); 7] = [
    ("allowencodedslash", b'/'),
    ("allowencodedbackslash", b'\\'),
    ("allowencodednullcharacter", 0),
    ("allowencodedsemicolon", b';'),
    ("allowencodedpercent", b'%'),
    ("allowencodedquestionmark", b'?'),
    ("allowencodedhash", b'#'),
];

/// A list, whose flags add up.
fn list(settings: &Settings, name: &str) -> Vec<String> {
    settings
        .args
        .iter()
        .filter(|flag| flag.name == name)
        .filter_map(|flag| flag.value.as_deref())
        .flat_map(|value| value.split(','))
        .map(|item| item.trim().to_owned())
        .filter(|item| !item.is_empty())
        .collect()
}
