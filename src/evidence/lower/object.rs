//! Object metadata, with `managedFields` flattened into leaf paths.
//!
//! Path grammar of `fieldsV1`: `f:NAME` a member, `k:{…}` an item of a list by its keys, `v:VALUE` an
//! item of a set, `i:N` an item by index, `.` the node itself.
//! Source: kubernetes-sigs/structured-merge-diff, `fieldpath/serialize-pe.go`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;
use serde_json::Value;

use super::time::time;
use crate::model::object::{FieldWrite, ObjectMeta, Owner};

/// Nesting beyond this is no real object's.
const DEPTH: usize = 48;
/// Leaf paths kept of one manager's entry.
const LEAVES: usize = 4096;

/// `metadata` of any object.
pub fn meta(object: meta::ObjectMeta) -> ObjectMeta {
    let meta::ObjectMeta {
        annotations,
        creation_timestamp,
        deletion_timestamp,
        generation,
        labels,
        managed_fields,
        name,
        namespace,
        owner_references,
        resource_version,
        uid,
        deletion_grace_period_seconds: _,
        finalizers: _,
        generate_name: _,
        self_link: _,
    } = object;
    ObjectMeta {
        namespace: namespace.unwrap_or_default(),
        name: name.unwrap_or_default(),
        uid: uid.unwrap_or_default(),
        resource_version: resource_version.unwrap_or_default(),
        generation,
        created: creation_timestamp.and_then(time),
        deletion_requested: deletion_timestamp.and_then(time),
        labels: labels.unwrap_or_default(),
        annotations: annotations.unwrap_or_default(),
        writes: managed_fields.unwrap_or_default().into_iter().map(write).collect(),
        owner: owner_references
            .unwrap_or_default()
            .into_iter()
            .find(|owner| owner.controller == Some(true))
            .map(owner),
    }
}

fn owner(reference: meta::OwnerReference) -> Owner {
    let meta::OwnerReference { kind, name, uid, api_version: _, block_owner_deletion: _, controller: _ } =
        reference;
    Owner { kind, name, uid }
}

fn write(entry: meta::ManagedFieldsEntry) -> FieldWrite {
    let meta::ManagedFieldsEntry {
        fields_v1,
        manager,
        operation,
        subresource,
        time: at,
        api_version: _,
        fields_type: _,
    } = entry;
    let mut fields = Vec::new();
    if let Some(meta::FieldsV1(tree)) = fields_v1 {
        leaves(&tree, &mut String::new(), DEPTH, &mut fields);
    }
    FieldWrite {
        manager: manager.unwrap_or_default(),
        applied: operation.as_deref() == Some("Apply"),
        subresource: subresource.filter(|name| !name.is_empty()),
        at: at.and_then(time),
        fields,
    }
}

/// Appends every leaf below `node`. A node that holds only itself (`.`) is a leaf.
fn leaves(node: &Value, path: &mut String, depth: usize, found: &mut Vec<String>) {
    let Value::Object(children) = node else { return };
    let mut leaf = true;
    for (key, child) in children {
        let before = path.len();
        if !append(path, key) {
            continue;
        }
        leaf = false;
        if let Some(depth) = depth.checked_sub(1) {
            leaves(child, path, depth, found);
        }
        path.truncate(before);
    }
    if leaf && !path.is_empty() && found.len() < LEAVES {
        found.push(path.clone());
    }
}

/// Adds one path element; `false` for what is none.
fn append(path: &mut String, element: &str) -> bool {
    match element.split_once(':') {
        Some(("f", name)) => member(path, name),
        Some(("k", keys)) => match serde_json::from_str::<serde_json::Map<String, Value>>(keys) {
            Ok(keys) => {
                let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
                path.extend(["[", &keys.join(","), "]"]);
            }
            Err(_) => return false,
        },
        Some(("v", value)) => path.extend(["[=", value, "]"]),
        Some(("i", index)) => path.extend(["[", index, "]"]),
        Some(_) | None => return false,
    }
    true
}

fn member(path: &mut String, name: &str) {
    let in_map = path == "metadata.annotations" || path.ends_with("labels") || path.ends_with("Labels");
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if in_map || !plain {
        path.extend(["[\"", name, "\"]"]);
    } else {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn managed_fields_become_leaf_paths() {
        for (tree, paths) in [
            (
                json!({"f:metadata": {"f:annotations": {".": {}, "f:a/b": {}, "f:plain": {}}}, "f:spec": {"f:rules": {}}}),
                vec!["metadata.annotations[\"a/b\"]", "metadata.annotations[\"plain\"]", "spec.rules"],
            ),
            (json!({"f:metadata": {"f:annotations": {".": {}}}}), vec!["metadata.annotations"]),
            (json!({"f:data": {"f:ssl-redirect": {}}}), vec!["data[\"ssl-redirect\"]"]),
            (
                json!({"f:spec": {"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}}}),
                vec!["spec.ports[port=80,protocol=\"TCP\"].port"],
            ),
            (json!({"f:spec": {"f:finalizers": {"v:\"x\"": {}}}}), vec!["spec.finalizers[=\"x\"]"]),
            (json!({"f:a": {"i:0": {"f:b": {}}}}), vec!["a[0].b"]),
            (json!({"f:a": {"k:not json": {}, "odd": 1}}), vec!["a"]),
            (json!([1, 2]), vec![]),
            (json!({}), vec![]),
        ] {
            let mut found = Vec::new();
            leaves(&tree, &mut String::new(), DEPTH, &mut found);
            assert_eq!(found, paths, "{tree}");
        }
    }

    #[test]
    fn nesting_without_end_is_cut_off() {
        let mut tree = json!({});
        for _ in 0..500 {
            tree = json!({ "f:a": tree });
        }
        let mut found = Vec::new();
        leaves(&tree, &mut String::new(), DEPTH, &mut found);
        assert!(found.is_empty());
    }

    #[test]
    fn only_the_controlling_owner_counts() {
        let object: meta::ObjectMeta = serde_json::from_value(json!({
            "name": "web-1", "namespace": "shop", "creationTimestamp": "2026-11-23T05:37:56Z",
            "ownerReferences": [
                {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "1"},
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "2", "controller": true},
            ],
        }))
        .expect("metadata");
        let meta = meta(object);
        assert_eq!(meta.owner.expect("owner").name, "web");
        assert_eq!(meta.created.expect("created").to_rfc3339(), "2026-11-23T05:37:56+00:00");
    }
}
