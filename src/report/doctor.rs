//! What an identity may see and do, and what cannot be told without the rest; for a capture, what it holds
//! and lacks.

use std::fmt::Write as _;

use serde::Serialize;

use super::object_ref::{NameRef, ObjectRef};
use super::text::Text;
use super::time::Time;
use super::{Render, gap, silence};
use crate::analysis::logs::silence::logs_not_found;
use crate::model::controller::Controller;
use crate::model::gap::Why;
use crate::model::snapshot::Lookup;

/// The whole examination.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DoctorReport {
    pub verdict: String,
    /// Whether nothing needed is missing.
    pub ok: bool,
    pub connection: Option<Connection>,
    pub rights: Vec<RightReport>,
    pub capture: Option<Holdings>,
    pub controllers: Vec<ControllerLine>,
    /// Whether everything was seen that controllers are recognised by.
    pub controllers_seen: bool,
    pub next: Vec<String>,
}

/// How the cluster is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct Connection {
    pub ok: bool,
    pub context: Option<Text>,
    /// Files, or none in a pod.
    pub kubeconfig: Vec<Text>,
    pub server: Option<Text>,
    pub server_version: Option<Text>,
    pub namespace: Option<Text>,
    /// What is wrong, and what to do.
    pub fault: Option<Text>,
    pub remedy: Option<Text>,
}

/// Where a right is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Everywhere,
    InNamespaces,
    Missing,
    Unknown,
    /// Nothing needs it here.
    NotNeeded,
}

/// One row of the table of rights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RightReport {
    /// Such as `pods/log`, with its group.
    pub right: String,
    pub state: State,
    pub needed: bool,
    /// Where it is held, when not everywhere.
    pub namespaces: Vec<Text>,
    pub missing_verbs: Vec<&'static str>,
    /// What cannot be told without it.
    pub without: String,
    /// The rule to add, and the manifest that has it; none where nothing is missing.
    pub rule: Option<String>,
    pub manifest: Option<&'static str>,
}

/// A controller, and whether its log would show the 404s at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ControllerLine {
    pub product: &'static str,
    pub version: Option<Text>,
    pub workload: ObjectRef,
    pub pods: usize,
    /// The ConfigMap it names, and whether it was read.
    pub config_map: Option<NameRef>,
    pub config_map_read: bool,
    /// Whether 404s are logged, of hosts that rules name and of all others.
    pub logs_404_of_known_hosts: String,
    pub logs_404_of_unknown_hosts: String,
}

/// What a capture holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holdings {
    pub taken_at: Option<Time>,
    pub server_version: Option<Text>,
    pub context: Option<Text>,
    pub kinds: Vec<KindHeld>,
    pub logs: usize,
    pub log_bytes: u64,
    pub probes: usize,
    pub history: bool,
    pub audit_log: bool,
    /// Files that could not be read.
    pub unreadable: Vec<Text>,
}

/// How much of a kind it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KindHeld {
    pub resource: &'static str,
    pub objects: usize,
    /// Null: all there were.
    pub lacks: Option<String>,
    pub needed: bool,
    pub without: &'static str,
}

impl ControllerLine {
    #[must_use]
    pub fn new(controller: &Controller) -> Self {
        let settings = controller.settings();
        let [known, unknown] =
            logs_not_found(controller.kind, &settings).map(|logging| silence::in_general(&logging));
        let map = controller.config_map.as_ref();
        Self {
            product: controller.kind.slug(),
            version: controller.version.map(|version| Text::new(&version.to_string())),
            workload: ObjectRef::from(&controller.workload),
            pods: controller.pods.len(),
            config_map: map.filter(|(name, _)| !name.name.is_empty()).map(|(name, _)| NameRef::from(name)),
            config_map_read: map.is_some_and(|(_, map)| matches!(map, Lookup::Found(_) | Lookup::Absent)),
            logs_404_of_known_hosts: known,
            logs_404_of_unknown_hosts: unknown,
        }
    }
}

/// What the rights come to: how many are needed, how many of them are missing, and of how many that could
/// not be told.
#[must_use]
pub fn verdict(needed: usize, missing: usize, unknown: usize) -> String {
    match (missing, unknown) {
        (0, 0) => format!("This identity has all {needed} rights that are needed"),
        (_, 0) => format!("{missing} of {needed} rights that are needed are missing"),
        (0, _) => {
            format!("Of {unknown} of {needed} rights that are needed could not be told whether they are held")
        }
        _ => format!(
            "{missing} of {needed} rights that are needed are missing, and of {unknown} more that could not be told"
        ),
    }
}

/// Why a list is not complete, in words.
#[must_use]
pub fn lacks(why: &Why) -> String {
    gap::reason(why)
}

impl Connection {
    fn text(&self) -> String {
        let Self { ok, context, kubeconfig, server, server_version, namespace, fault, remedy } = self;
        let mut parts = Vec::new();
        parts.extend(context.as_ref().map(|name| format!("context {name}")));
        if kubeconfig.is_empty() {
            parts.extend(ok.then(|| "no kubeconfig: this is a pod of the cluster".to_owned()));
        } else {
            let files: Vec<&str> = kubeconfig.iter().map(Text::as_str).collect();
            parts.push(format!("kubeconfig {}", files.join(", ")));
        }
        parts.extend(server.as_ref().map(|server| format!("server {server}")));
        parts.extend(server_version.as_ref().map(|version| format!("version {version}")));
        parts.extend(namespace.as_ref().map(|namespace| format!("namespace {namespace}")));
        let mut text =
            if parts.is_empty() { String::new() } else { format!("Cluster: {}", parts.join("; ")) };
        if let Some(fault) = fault {
            let separator = if text.is_empty() { "" } else { "\n" };
            let _ = write!(text, "{separator}Not reached: {fault}");
        }
        if let Some(remedy) = remedy {
            let _ = write!(text, "\nTo reach it: {remedy}");
        }
        text
    }
}

impl RightReport {
    fn text(&self) -> String {
        let Self { right, state, needed, namespaces, missing_verbs, without, rule, manifest } = self;
        let places: Vec<&str> = namespaces.iter().map(Text::as_str).collect();
        let verbs = missing_verbs.join(", ");
        let mut text = match state {
            State::Everywhere => return format!("May read {right} everywhere"),
            State::NotNeeded => return format!("Not needed here: {right}"),
            State::InNamespaces => format!("May read {right} only in {}", places.join(", ")),
            State::Missing => format!("May not {verbs} {right}"),
            State::Unknown => format!("Not known whether it may {verbs} {right}"),
        };
        let told = if *needed { "otherwise cannot be told" } else { "only sharpens answers" };
        let _ = write!(text, "; {told}: {without}");
        if let (Some(rule), Some(manifest)) = (rule, manifest) {
            let _ = write!(text, "\n  to add ({manifest}): {rule}");
        }
        text
    }
}

impl Holdings {
    fn text(&self) -> String {
        let Self {
            taken_at,
            server_version,
            context,
            kinds,
            logs,
            log_bytes,
            probes,
            history,
            audit_log,
            unreadable,
        } = self;
        let mut parts = Vec::new();
        parts.push(match taken_at {
            Some(at) => format!("taken at {at}"),
            None => "when it was taken is not told".to_owned(),
        });
        parts.extend(context.as_ref().map(|name| format!("context {name}")));
        parts.extend(server_version.as_ref().map(|version| format!("version {version}")));
        let mut text = format!("Capture: {}", parts.join("; "));
        let held: Vec<String> = kinds
            .iter()
            .filter(|kind| kind.lacks.is_none() || kind.objects > 0)
            .map(|kind| format!("{} {}", kind.objects, kind.resource))
            .collect();
        let _ = write!(text, "\nHolds: {}", held.join(", "));
        let _ = write!(text, "\nHolds: {logs} logs ({} KiB), {probes} probes", log_bytes.div_ceil(1024));
        let yes = |is: &bool| if *is { "yes" } else { "no" };
        let _ = write!(text, "; history: {}, audit log: {}", yes(history), yes(audit_log));
        for kind in kinds {
            if let Some(lacks) = &kind.lacks {
                let _ = write!(text, "\nLacks {}: {lacks}; cannot be told: {}", kind.resource, kind.without);
            }
        }
        if *logs == 0 {
            text.push_str("\nLacks logs; cannot be told: who wrote the 404s, since when, and how many");
        }
        for file in unreadable {
            let _ = write!(text, "\nNot read: file {file}");
        }
        text
    }
}

impl ControllerLine {
    fn text(&self) -> String {
        let Self { product, version, workload, pods, config_map, config_map_read, .. } = self;
        let mut text = format!("Controller {product}");
        match version {
            Some(version) => _ = write!(text, " {version}"),
            None => text.push_str(", version unknown"),
        }
        let _ = write!(text, ": {workload}, {pods} pods");
        if let Some(map) = config_map {
            let read = if *config_map_read { "" } else { " could not be read" };
            let _ = write!(text, "; ConfigMap {map}{read}");
        }
        let (known, unknown) = (&self.logs_404_of_known_hosts, &self.logs_404_of_unknown_hosts);
        if known == unknown {
            let _ = write!(text, "\n  logs 404s: {known}");
        } else {
            let _ = write!(
                text,
                "\n  logs 404s of hosts with rules: {known}\n  logs 404s of other hosts: {unknown}"
            );
        }
        text
    }
}

impl Render for DoctorReport {
    fn text(&self) -> String {
        let Self { verdict, ok: _, connection, rights, capture, controllers, controllers_seen, next } = self;
        let mut lines = vec![verdict.clone()];
        lines.extend(connection.iter().map(Connection::text).filter(|text| !text.is_empty()));
        lines.extend(capture.iter().map(Holdings::text));
        let held: Vec<&str> = rights
            .iter()
            .filter(|right| right.state == State::Everywhere)
            .map(|right| right.right.as_str())
            .collect();
        if !held.is_empty() {
            lines.push(format!("May read everywhere: {}", held.join(", ")));
        }
        let rest = rights.iter().filter(|right| !matches!(right.state, State::Everywhere));
        lines.extend(rest.map(RightReport::text));
        if connection.as_ref().is_none_or(|connection| connection.ok) {
            lines.extend(controllers.iter().map(ControllerLine::text));
            match (controllers.is_empty(), controllers_seen) {
                (true, true) => lines.push("No ingress controller was recognised".to_owned()),
                (true, false) => {
                    lines.push("Whether an ingress controller runs could not be seen".to_owned())
                }
                (false, false) => lines.push("Whether more of them run could not be seen".to_owned()),
                (false, true) => {}
            }
        }
        lines.extend(next.iter().map(|step| format!("Next: {step}")));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(state: State, missing_verbs: Vec<&'static str>, namespaces: &[&str]) -> RightReport {
        RightReport {
            right: "pods/log".to_owned(),
            state,
            needed: true,
            namespaces: namespaces.iter().map(|name| Text::new(name)).collect(),
            missing_verbs,
            without: "who wrote the 404s".to_owned(),
            rule: Some("- {apiGroups: [\"\"], resources: [\"pods/log\"], verbs: [get]}".to_owned()),
            manifest: Some("cluster.yaml"),
        }
    }

    #[test]
    fn a_missing_right_names_what_is_lost_and_the_rule_to_add() {
        assert_eq!(
            right(State::Missing, vec!["get"], &[]).text(),
            "May not get pods/log; otherwise cannot be told: who wrote the 404s\n  to add (cluster.yaml): \
             - {apiGroups: [\"\"], resources: [\"pods/log\"], verbs: [get]}"
        );
        assert!(
            right(State::InNamespaces, Vec::new(), &["edge", "shop"])
                .text()
                .starts_with("May read pods/log only in edge, shop; otherwise cannot be told: ")
        );
    }

    #[test]
    fn a_fault_is_told_with_its_remedy() {
        let connection = Connection {
            kubeconfig: vec![Text::new("/home/me/.kube/config")],
            fault: Some(Text::new("nobody listens")),
            remedy: Some(Text::new("is the VPN up?")),
            ..Connection::default()
        };
        assert_eq!(
            connection.text(),
            "Cluster: kubeconfig /home/me/.kube/config\nNot reached: nobody listens\nTo reach it: is the VPN up?"
        );
    }
}
