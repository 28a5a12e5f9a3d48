//! Two pod templates of one workload.
//!
//! Containers are known by name. Label and annotation bookkeeping of the workload's own controller is
//! no difference.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::change::Aspect;
use crate::model::pod::{Container, PodTemplate};

use super::{Difference, align};
use crate::analysis::changes::brief::clip;

/// Labels that differ between any two revisions.
const BOOKKEEPING: [&str; 3] = ["pod-template-hash", "controller-revision-hash", "pod-template-generation"];

/// `kubectl rollout restart` writes the time here.
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";

/// Differences container by container, then labels, then annotations.
pub(crate) fn differences(aspect: Aspect, before: &PodTemplate, after: &PodTemplate) -> Vec<Difference> {
    let mut found = Vec::new();
    let aligned = align(&before.containers, &after.containers, |container| container.name.clone());
    for (old, index) in &aligned.pairs {
        if let (Some(old), Some(new)) = (before.containers.get(*old), after.containers.get(*index)) {
            container(aspect, &format!("spec.template.spec.containers[{index}]"), old, new, &mut found);
        }
    }
    let whole = |container: &Container| format!("{} {}", container.name, container.image);
    for index in &aligned.removed {
        if let Some(container) = before.containers.get(*index) {
            let field = format!("spec.template.spec.containers[{index}]");
            found.push(Difference::new(aspect, field, Some(&whole(container)), None));
        }
    }
    for index in &aligned.added {
        if let Some(container) = after.containers.get(*index) {
            let field = format!("spec.template.spec.containers[{index}]");
            found.push(Difference::new(aspect, field, None, Some(&whole(container))));
        }
    }
    map(aspect, &before.labels, &after.labels, &mut found, |key| {
        (!BOOKKEEPING.contains(&key)).then(|| format!("spec.template.metadata.labels[\"{key}\"]"))
    });
    map(aspect, &before.annotations, &after.annotations, &mut found, |key| {
        // Other annotations are checksums and scrape settings; a restart is told by this one alone,
        // and a changed checksum tells of a changed ConfigMap.
        (key == RESTARTED || key.starts_with("checksum/"))
            .then(|| format!("spec.template.metadata.annotations[\"{key}\"]"))
    });
    found
}

fn container(aspect: Aspect, at: &str, before: &Container, after: &Container, found: &mut Vec<Difference>) {
    if before.image != after.image {
        let (old, new) = (before.image.as_str(), after.image.as_str());
        found.push(Difference::new(aspect, format!("{at}.image"), Some(old), Some(new)));
    }
    list(aspect, &format!("{at}.command"), &before.command, &after.command, found);
    list(aspect, &format!("{at}.args"), &before.args, &after.args, found);
    map(aspect, &before.env, &after.env, found, |key| Some(format!("{at}.env[\"{key}\"]")));
    let ports = |container: &Container| {
        let text = |port: &crate::model::pod::ContainerPort| match &port.name {
            Some(name) => format!("{name} {}", port.number),
            None => port.number.to_string(),
        };
        container.ports.iter().map(text).collect::<Vec<_>>()
    };
    let (old, new) = (ports(before), ports(after));
    if old != new {
        let (old, new) = (joined(&old, ", "), joined(&new, ", "));
        found.push(Difference::new(aspect, format!("{at}.ports"), old.as_deref(), new.as_deref()));
    }
    if before.readiness != after.readiness {
        let (old, new) = (before.readiness.as_deref(), after.readiness.as_deref());
        found.push(Difference::new(aspect, format!("{at}.readinessProbe"), old, new));
    }
}

/// One argument that was exchanged, added at the end or removed there is told by its index, else the
/// list as a whole is.
fn list(aspect: Aspect, at: &str, before: &[String], after: &[String], found: &mut Vec<Difference>) {
    if before == after {
        return;
    }
    let longest = before.len().max(after.len());
    let mut differing = (0..longest).filter(|index| before.get(*index) != after.get(*index));
    if let (Some(index), None) = (differing.next(), differing.next()) {
        let (old, new) = (before.get(index), after.get(index));
        let (old, new) = (old.map(String::as_str), new.map(String::as_str));
        found.push(Difference::new(aspect, format!("{at}[{index}]"), old, new));
        return;
    }
    // Items were inserted or removed in the middle: those alone are told.
    let kept = align(before, after, Clone::clone);
    let pick = |list: &[String], at: &[usize]| {
        joined(&at.iter().filter_map(|index| list.get(*index).cloned()).collect::<Vec<_>>(), " ")
    };
    let (old, new) = (pick(before, &kept.removed), pick(after, &kept.added));
    if old.is_none() && new.is_none() {
        // Only the order differs.
        let (old, new) = (joined(before, " "), joined(after, " "));
        found.push(Difference::new(aspect, at, old.as_deref(), new.as_deref()));
        return;
    }
    let field = match (kept.removed.as_slice(), kept.added.as_slice()) {
        ([index], []) | ([], [index]) => format!("{at}[{index}]"),
        _ => at.to_owned(),
    };
    found.push(Difference::new(aspect, field, old.as_deref(), new.as_deref()));
}

fn map(
    aspect: Aspect,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
    found: &mut Vec<Difference>,
    field: impl Fn(&str) -> Option<String>,
) {
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let (old, new) = (before.get(key), after.get(key));
        if old != new
            && let Some(field) = field(key)
        {
            let (old, new) = (old.map(String::as_str), new.map(String::as_str));
            found.push(Difference::new(aspect, field, old, new));
        }
    }
}

fn joined(parts: &[String], separator: &str) -> Option<String> {
    (!parts.is_empty()).then(|| clip(&parts.join(separator)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::pod::ContainerPort;

    fn container(image: &str, args: &[&str]) -> Container {
        Container {
            name: "app".to_owned(),
            image: image.to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            ..Container::default()
        }
    }

    fn template(containers: Vec<Container>) -> PodTemplate {
        PodTemplate { containers, ..PodTemplate::default() }
    }

    fn check(before: &PodTemplate, after: &PodTemplate, expected: &[&str]) {
        let told: Vec<String> = differences(Aspect::Rollout, before, after)
            .iter()
            .map(|d| {
                let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
                format!("{}: {} => {}", d.field, text(&d.before), text(&d.after))
            })
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn image_and_arguments_are_told_by_index() {
        let at = "spec.template.spec.containers[0]";
        check(
            &template(vec![container("app:1", &["--a", "--b"])]),
            &template(vec![container("app:2", &["--a", "--c"])]),
            &[&format!("{at}.image: app:1 => app:2"), &format!("{at}.args[1]: --b => --c")],
        );
        check(
            &template(vec![container("i", &["--a"])]),
            &template(vec![container("i", &["--a", "--b"])]),
            &[&format!("{at}.args[1]: - => --b")],
        );
        check(
            &template(vec![container("i", &["--a", "--b", "--c"])]),
            &template(vec![container("i", &["--b", "--c"])]),
            &[&format!("{at}.args[0]: --a => -")],
        );
        check(
            &template(vec![container("i", &["--a", "--b"])]),
            &template(vec![container("i", &["--b", "--a"])]),
            &[&format!("{at}.args: --a --b => --b --a")],
        );
    }

    #[test]
    fn environment_ports_probe_and_labels_are_told() {
        let mut before = template(vec![container("i", &[])]);
        let mut after = before.clone();
        before.containers[0].env.insert("BASE".to_owned(), "/".to_owned());
        after.containers[0].env.insert("BASE".to_owned(), "/shop".to_owned());
        after.containers[0].ports.push(ContainerPort { name: Some("web".to_owned()), number: 8080 });
        after.containers[0].readiness = Some("http-get :8080/up".to_owned());
        after.labels.insert("app".to_owned(), "x".to_owned());
        after.labels.insert("pod-template-hash".to_owned(), "abc".to_owned());
        after.annotations.insert("checksum/config".to_owned(), "f00".to_owned());
        after.annotations.insert("prometheus.io/scrape".to_owned(), "true".to_owned());
        let at = "spec.template.spec.containers[0]";
        check(
            &before,
            &after,
            &[
                &format!("{at}.env[\"BASE\"]: / => /shop"),
                &format!("{at}.ports: - => web 8080"),
                &format!("{at}.readinessProbe: - => http-get :8080/up"),
                "spec.template.metadata.labels[\"app\"]: - => x",
                "spec.template.metadata.annotations[\"checksum/config\"]: - => f00",
            ],
        );
    }

    #[test]
    fn a_sidecar_in_front_is_one_difference() {
        let sidecar = Container { name: "proxy".to_owned(), image: "p:1".to_owned(), ..Container::default() };
        check(
            &template(vec![container("i", &[])]),
            &template(vec![sidecar, container("i", &[])]),
            &["spec.template.spec.containers[0]: - => proxy p:1"],
        );
    }
}
