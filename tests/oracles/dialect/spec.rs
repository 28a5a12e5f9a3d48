//! The Ingress API's own text.

use routecause::model::controller::ControllerKind;

use super::{Dialect, Pattern};
use crate::generate::ingresses;

pub(crate) const SPEC: Dialect = Dialect {
    kind: ControllerKind::Spec,
    class: "example.com/own",
    routes: ingresses,
    annotations: &[],
    service_annotations: &[],
    patterns: &[
        Pattern { path: "/impl", asked: &["/impl", "/impl/x", "/implement"] },
        Pattern { path: "/v[0-9]+", asked: &["/v1", "/v[0-9]+", "/v[0-9]+/x"] },
        Pattern { path: "/a/*", asked: &["/a", "/a/", "/a/q", "/a/*"] },
    ],
    arguments: &[],
    config: &[],
    headers: &[],
    // A text runs nowhere.
    deployed: |_, _| Vec::new(),
};
