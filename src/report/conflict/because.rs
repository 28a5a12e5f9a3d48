//! The facts of a conflict in one sentence.

use crate::analysis::conflict::facts::{
    Decides, Facts, Lacks, Leak, Minions, Missing, MissingBackend, Passthrough, Reading, Scope,
    SnippetStanding, Solver,
};
use crate::model::controller::ControllerKind;
use crate::model::request::Scheme;
use crate::report::object_ref::NameRef;
use crate::report::route::{BackendReport, refusal_words};
use crate::report::text::Text;

/// One of something, or many.
fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

fn list(texts: &[String]) -> String {
    texts.iter().map(|text| Text::new(text).to_string()).collect::<Vec<_>>().join(", ")
}

/// Empty where the title says it all.
pub(super) fn because(facts: &Facts) -> String {
    match facts {
        Facts::SameHostPathType { losers, same_backend, .. } => {
            let same = if *same_backend { "; all name the same backend" } else { "" };
            format!("{} not in force{same}", count(*losers, "rule is", "rules are"))
        }
        Facts::SeveralDefaultBackends { losers, rules: false } => {
            format!("{} not in force", count(*losers, "default backend is", "default backends are"))
        }
        Facts::SeveralDefaultBackends { losers, rules: true } => {
            format!("{} discarded", count(*losers, "hostless rule for / is", "hostless rules for / are"))
        }
        Facts::DefaultBackendScope(scope) => self::scope(scope),
        Facts::CanaryWithoutMain { lacks, .. } => self::lacks(lacks),
        Facts::CanaryTakesCatchAll { service, main, .. } => format!(
            "{} is a main backend of Ingress {} already, and no main Ingress has the canary's host",
            BackendReport::from(service),
            NameRef::from(main)
        ),
        Facts::CanarySharedService { service, leak } => self::leak(&BackendReport::from(service), leak),
        Facts::ClassMissing { classes, misplaced } => {
            let there = match classes.is_empty() {
                true => "there is no IngressClass".to_owned(),
                false => format!("there is {}", list(classes)),
            };
            match misplaced {
                Some(key) => format!("{} names no class; {there}", Text::new(key)),
                None => there,
            }
        }
        Facts::ClassNotFound { class, .. } => format!("there is no IngressClass {}", Text::new(class)),
        Facts::ClassOfOtherController { class, controller, expected } => {
            let of = controller.as_deref().map_or("nobody".to_owned(), |of| Text::new(of).to_string());
            let here = expected.as_deref().map(|own| format!("; here runs {}", Text::new(own)));
            format!("IngressClass {} belongs to {of}{}", Text::new(class), here.unwrap_or_default())
        }
        Facts::AnnotationAndFieldDisagree { field, annotation, decides } => {
            let decides = match decides {
                Decides::Field => "the field decides",
                Decides::Annotation => "the annotation decides",
                Decides::Unknown => "which one decides is not known for this product",
            };
            format!("field {}, annotation {}: {decides}", Text::new(field), Text::new(annotation))
        }
        Facts::SeveralDefaultClasses { used, .. } => {
            used.as_deref().map(|used| format!("new Ingresses get {}", Text::new(used))).unwrap_or_default()
        }
        Facts::TwoControllersOneClass { controllers, ingresses } => {
            format!("{} controllers take {}", controllers.len(), count(*ingresses, "Ingress", "Ingresses"))
        }
        Facts::AnnotationPolicyDrop(why) => refusal_words(why),
        Facts::Snippet { standing: SnippetStanding::Stripped, .. } => {
            "snippets are not allowed; the Ingress stays without it".to_owned()
        }
        Facts::Snippet { standing: SnippetStanding::Routes, .. } => {
            "it holds directives that route; they are not followed here".to_owned()
        }
        Facts::ForeignAnnotations { of, .. } => {
            let of: Vec<&str> = of.iter().map(|kind| kind.slug()).collect();
            if of.is_empty() { String::new() } else { format!("only {} reads them", of.join(" or ")) }
        }
        Facts::RewriteWithoutCapture { path, target } => {
            format!("{} becomes {} with whatever follows", Text::new(path), Text::new(target))
        }
        Facts::CaptureGroupMissing { group, groups, .. } => {
            format!("the target uses ${group}, the path captures {groups}")
        }
        Facts::BackendMissing { backend } => missing(backend),
        Facts::TlsHostNotInRules { host } => format!("no rule has {}", Text::new(host)),
        Facts::TlsHostNotServed { meant: Some(name) } => {
            format!("spec.tls has {} and not this host by its name", Text::new(name))
        }
        Facts::TlsHostNotServed { meant: None } => "spec.tls has other hosts only".to_owned(),
        Facts::PassthroughSwallowsPaths { standing, others } => passthrough(*standing, *others),
        Facts::DuplicateLocation { location } => {
            format!("nginx says: duplicate location \"{}\"", Text::new(location))
        }
        Facts::ConfigurationRefused { cause, by } => format!("{}: {}", sayer(*by), Text::new(cause)),
        Facts::HostwideRegex { key, paths, ingresses } => {
            let paths = count(*paths, "plain path", "plain paths");
            let of = if *ingresses > 1 { format!(" of {ingresses} Ingresses") } else { String::new() };
            format!("{} makes {paths}{of} a pattern", Text::new(key))
        }
        Facts::PatternShadows { path, by } => {
            format!("{} is tried before {}", Text::new(by), Text::new(path))
        }
        Facts::ExactRootDead => {
            "the default location of the host is the same pattern and stands first".to_owned()
        }
        Facts::PatternInPlainPath { path, reading: Reading::Literal } => {
            format!("{} matches nothing but itself", Text::new(path))
        }
        Facts::PatternInPlainPath { reading: Reading::Denied, .. } => {
            "it works, and the webhook refuses the next change".to_owned()
        }
        Facts::CatchAllNotConsulted { path, wildcard, hosts } => {
            let of =
                if wildcard.is_empty() { "any host".to_owned() } else { Text::new(wildcard).to_string() };
            format!("{} of {of} does not hold for {}", Text::new(path), count(*hosts, "host", "hosts"))
        }
        Facts::SolverConflict(Solver::Beaten) => "another rule takes the challenge's path".to_owned(),
        Facts::SolverConflict(Solver::NotLoaded) => {
            "the controller that serves the host does not load the solver's Ingress".to_owned()
        }
        Facts::TrailingSlashOnly { .. } => "no rule has the path without the slash".to_owned(),
        Facts::UnreachablePath { .. } => "requests are compared decoded and cleaned up".to_owned(),
        Facts::OldestAnnotatesHost { others, .. } => {
            format!("no rule of {} has /", count(*others + 1, "Ingress", "Ingresses"))
        }
        Facts::AppRootTakesHost { target } => format!("/ leads to {}", Text::new(target)),
        Facts::HostTaken { losers, paths } => format!(
            "{} dropped with {}",
            count(*losers, "Ingress is", "Ingresses are"),
            count(*paths, "path", "paths")
        ),
        Facts::MinionConflict(Minions::Oldest) => "the oldest minion keeps the path".to_owned(),
        Facts::MinionConflict(Minions::Nobody) => "a path twice in one minion is served by nobody".to_owned(),
        Facts::MinionConflict(Minions::NoMaster) => "no master has the host".to_owned(),
        Facts::F5LocationTwice { path } => {
            format!("nginx says: duplicate location \"{}\"", Text::new(path))
        }
        Facts::F5RewriteOnExact { .. } => "nginx says: invalid number of arguments in \"rewrite\"".to_owned(),
        Facts::F5ExactPathRegex { path } => format!("it is written as \"^= {}\"", Text::new(path)),
        Facts::F5HostlessDefault => "it is the default server, which has TLS".to_owned(),
        Facts::HaproxyRedirectCode { value } => format!("the code is \"{}\"", Text::new(value)),
        Facts::TraefikPriority { value } => format!("the priority is \"{}\"", Text::new(value)),
        Facts::TraefikPathCharacter { character, .. } => {
            format!("the character is \"{}\"", Text::new(&character.to_string()))
        }
        Facts::TraefikRewriteTail { path, target } => {
            format!("only {} is replaced by {}", Text::new(path), Text::new(target))
        }
        Facts::ExactBehindPrefix { prefix, own, other, .. } => {
            format!("prefix {} has priority {other}, the Exact path {own}", Text::new(prefix))
        }
        Facts::HostlessOutranksHost { hosts, own, other } => format!(
            "it has priority {other}, the host's own rule {own}; {}",
            count(*hosts, "host is concerned", "hosts are concerned")
        ),
        Facts::EntryPointScheme { only: Some(Scheme::Http) } => "https finds no route".to_owned(),
        Facts::EntryPointScheme { only: Some(Scheme::Https) } => "plain http finds no route".to_owned(),
        Facts::EntryPointScheme { only: None } => {
            "plain http is off, and nothing gives it a certificate for https".to_owned()
        }
        Facts::AlbListenPorts(Missing::HttpsBesideOthers) => {
            "others of its group serve this host over https, its own rules are not there".to_owned()
        }
        Facts::AlbListenPorts(Missing::Https) => "it asks for TLS and listens on plain ports only".to_owned(),
        Facts::AlbListenPorts(Missing::Http) => "it listens on https ports only".to_owned(),
        Facts::PublishedElsewhere { addresses, of, ingresses } => {
            let of = of.as_ref().map_or("no controller that was seen".to_owned(), |of| {
                format!("controller {}", NameRef::from(of))
            });
            format!(
                "{} belongs to {of}; {}",
                list(addresses),
                count(*ingresses, "Ingress has it", "Ingresses have it")
            )
        }
        Facts::AlbCertificateMissing { members } => format!(
            "{} on HTTPS without certificate-arn and without a host; IngressClassParams are not read",
            count(*members, "Ingress is", "Ingresses are")
        ),
        Facts::AnnotationNotRead { meant: Some(key), .. } => {
            format!("this product has no such name; probably {} is meant", Text::new(key))
        }
        Facts::AnnotationNotRead { of_services: true, .. } => {
            "this product reads it from Services only".to_owned()
        }
        Facts::AnnotationNotRead { .. } => "this product has no such name".to_owned(),
        Facts::ControllersShareService { controllers, ingresses } => format!(
            "it selects the pods of {} controllers; {} of some of them only",
            controllers.len(),
            count(*ingresses, "Ingress is", "Ingresses are")
        ),
        Facts::RuleShadowed { by, host, rules } => {
            let of = if host.is_empty() { "any host".to_owned() } else { Text::new(host).to_string() };
            format!(
                "{} of {of} is tried first and takes everything; {}",
                Text::new(by),
                count(*rules, "rule is never reached", "rules are never reached")
            )
        }
        Facts::GceHostTwice { paths } => {
            format!(
                "the later rule replaces the earlier: {}",
                count(*paths, "path is gone", "paths are gone")
            )
        }
        Facts::TlsWithoutSecret { issuer: true, section: false } => {
            "cert-manager is asked for a certificate, and no section names a Secret for it".to_owned()
        }
        Facts::TlsWithoutSecret { issuer: true, section: true } => {
            "cert-manager skips a section without secretName".to_owned()
        }
        Facts::TlsWithoutSecret { issuer: false, .. } => "no Secret is named".to_owned(),
        Facts::AlbGroupStuck { members, .. } => {
            format!("{} on the load balancer", count(*members, "Ingress is", "Ingresses are"))
        }
    }
}

/// Who complains of a configuration.
fn sayer(kind: ControllerKind) -> &'static str {
    match kind {
        ControllerKind::IngressNginx | ControllerKind::F5Nginx => "nginx says",
        ControllerKind::Haproxytech => "haproxy says",
        ControllerKind::Kong => "Kong says",
        _ => "the controller says",
    }
}

fn scope(scope: &Scope) -> String {
    match scope {
        Scope::Hostless => "its rules have no host; the catch-all has a default of its own".to_owned(),
        Scope::OlderHost { older, hosts } => {
            format!("Ingress {} is older and made {}", NameRef::from(older), count(*hosts, "host", "hosts"))
        }
        Scope::Ignored => "this product does not read it here".to_owned(),
        Scope::Everybody => "this product gives it to all hosts".to_owned(),
        Scope::UnknownHosts => {
            "this product gives it the hosts that no rule names, not those of its Ingress".to_owned()
        }
        Scope::Group { others } => format!(
            "it takes what no rule of the load balancer takes, which serves {} too",
            count(*others, "other Ingress", "other Ingresses")
        ),
    }
}

fn lacks(lacks: &Lacks) -> String {
    match lacks {
        Lacks::Host => "no main Ingress has the host".to_owned(),
        Lacks::Path { nearest } if nearest.is_empty() => "no main rule of the host has the path".to_owned(),
        Lacks::Path { nearest } => format!("no main rule has the path; nearest: {}", list(nearest)),
        Lacks::Type { canary, main } => {
            format!("the canary says {}, the main rule {}", canary.as_str(), main.as_str())
        }
    }
}

fn leak(service: &BackendReport, leak: &Leak) -> String {
    match leak {
        Leak::Split { rules } => {
            format!(
                "{service} also serves {}",
                count(*rules, "other rule, which is split", "other rules, which are split")
            )
        }
        Leak::MainIgnored { rules } => format!(
            "a canary named {service} first: {} not loaded",
            count(*rules, "main rule is", "main rules are")
        ),
        Leak::NoLongerCanary { main } => {
            format!("Ingress {} named {service} first: it is no alternative", NameRef::from(main))
        }
    }
}

fn missing(backend: &MissingBackend) -> String {
    match backend {
        MissingBackend::Service { service, elsewhere, .. } => {
            let others = if elsewhere.is_empty() {
                String::new()
            } else {
                format!("; one of this name is in {}", list(elsewhere))
            };
            format!("there is no Service {}{others}", NameRef::from(service))
        }
        MissingBackend::Port { service, port, has, .. } => format!(
            "Service {} has no port {}, only {}",
            NameRef::from(service),
            Text::new(&port.to_string()),
            list(has)
        ),
        MissingBackend::NoReadyEndpoints { service, not_ready, .. } => format!(
            "nothing behind Service {} is ready, {} not ready",
            NameRef::from(service),
            count(*not_ready, "address is", "addresses are")
        ),
        MissingBackend::ExternalNameDisabled { service } => {
            format!("Service {} is an ExternalName, and these are off", NameRef::from(service))
        }
        MissingBackend::Action { key } => format!("there is no annotation {}", Text::new(key)),
        MissingBackend::Resource { kind, name } => {
            format!("{} {} is no Service", Text::new(kind), Text::new(name))
        }
    }
}

fn passthrough(standing: Passthrough, others: usize) -> String {
    match standing {
        Passthrough::InForce => {
            format!("{} never asked over TLS", count(others, "path is", "paths are"))
        }
        Passthrough::FlagNotSet => "the controller runs without --enable-ssl-passthrough".to_owned(),
        Passthrough::NotOldest => "an older Ingress made the host".to_owned(),
        Passthrough::NoRoot => "the host has no rule for /".to_owned(),
    }
}
