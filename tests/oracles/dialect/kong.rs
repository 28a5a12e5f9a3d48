//! Kong.

use rand::RngExt;
use rand::rngs::StdRng;
use routecause::model::controller::ControllerKind;
use serde_json::{Value, json};

use super::{Dialect, Pattern, deployment, some};
use crate::generate::{ingresses, one_of};

pub(crate) const KONG: Dialect = Dialect {
    kind: ControllerKind::Kong,
    class: "ingress-controllers.konghq.com/kong",
    routes,
    annotations: &[
        some(15, "konghq.com/strip-path", &["true", "True", "false"]),
        some(10, "konghq.com/protocols", &["https", "http,https", "http", "https, grpcs"]),
        some(5, "konghq.com/protocol", &["https"]),
        some(8, "konghq.com/https-redirect-status-code", &["301", "308", "302", "426", "200", "x"]),
        some(10, "konghq.com/methods", &["GET", "get,POST", "PUT"]),
        some(8, "konghq.com/headers.X-Canary", &["yes", "yes,on", "~*^y"]),
        some(4, "konghq.com/headers.x-team", &["a"]),
        some(5, "konghq.com/snis", &["a.test", "b.test,x.b.test"]),
        some(10, "konghq.com/host-aliases", &["alias.test", "*.y.test, nobody.test"]),
        some(8, "konghq.com/regex-prefix", &["/#", "~"]),
        some(5, "konghq.com/plugins", &["limit"]),
        some(3, "konghq.com/rewrite", &["/new/$(uri_captures[1])"]),
    ],
    service_annotations: &[some(10, "konghq.com/path", &["/base", "/base/", "/"])],
    patterns: &[
        Pattern { path: "/~/v[0-9]+", asked: &["/v12", "/v", "/v1/x", "/x/v1"] },
        Pattern { path: "/~/a(b|c)$", asked: &["/ab", "/ac", "/abc"] },
        Pattern { path: "/#/x{2}", asked: &["/xx", "/x", "/#/x{2}"] },
        Pattern { path: "/impl", asked: &["/impl", "/implement", "/impl/x"] },
        Pattern { path: "/impl/", asked: &["/impl", "/impl/", "/impl/x"] },
        Pattern { path: "/v[0-9]+", asked: &["/v[0-9]+", "/v1"] },
    ],
    arguments: &[some(8, "--watch-namespace", &["n", "m", "n,m"])],
    config: &[],
    headers: &[some(15, "X-Canary", &["yes", "on", "no"]), some(8, "X-Team", &["a", "A"])],
    deployed: |arguments, _| {
        let own = ["--ingress-class=own".to_owned()];
        let arguments: Vec<String> = own.into_iter().chain(arguments.iter().cloned()).collect();
        vec![deployment("ingress-controller", "kong/kubernetes-ingress-controller:3.4.0", &arguments)]
    },
};

/// Ingresses with classes; now and then one with a pattern that keeps everything from being applied.
fn routes(random: &mut StdRng, dialect: &Dialect) -> Vec<Value> {
    let mut found = ingresses(random, dialect);
    for ingress in &mut found {
        if random.random_ratio(1, 12) {
            ingress["spec"]["ingressClassName"] = Value::Null;
            let class = one_of(random, &["own", "kong", ""]);
            ingress["metadata"]["annotations"]["kubernetes.io/ingress.class"] = json!(class);
        }
    }
    if random.random_ratio(1, 15)
        && let Some(path) = found[0].pointer_mut("/spec/rules/0/http/paths/0")
    {
        path["path"] = json!("/~/a(b");
        path["pathType"] = json!("ImplementationSpecific");
    }
    found
}
