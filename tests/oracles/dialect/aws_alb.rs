//! The AWS Load Balancer Controller.

use rand::RngExt;
use rand::rngs::StdRng;
use routecause::model::controller::ControllerKind;
use serde_json::{Value, json};

use super::{Dialect, Pattern, deployment, some};
use crate::generate::{ingresses, one_of};

pub(crate) const AWS_ALB: Dialect = Dialect {
    kind: ControllerKind::AwsAlb,
    class: "ingress.k8s.aws/alb",
    routes,
    annotations: &[
        some(40, "alb.ingress.kubernetes.io/group.name", &["shared", "shared", "team-a", "Not_A_Name"]),
        some(25, "alb.ingress.kubernetes.io/group.order", &["1", "-1", "0", "1000", "1", "2", "2000"]),
        some(
            25,
            "alb.ingress.kubernetes.io/listen-ports",
            &[
                r#"[{"HTTP": 80}, {"HTTPS": 443}]"#,
                r#"[{"HTTP": 80}, {"HTTPS": 443}]"#,
                r#"[{"HTTPS": 443}]"#,
                r#"[{"HTTP": 8080}, {"HTTP": 80}]"#,
                "80",
            ],
        ),
        some(10, "alb.ingress.kubernetes.io/certificate-arn", &["arn:aws:acm:eu-west-1:1:certificate/x", ""]),
        some(8, "alb.ingress.kubernetes.io/ssl-redirect", &["443", "443", "8443", "x"]),
        some(15, "alb.ingress.kubernetes.io/target-type", &["ip", "ip", "ip", "instance"]),
        some(12, "alb.ingress.kubernetes.io/use-regex-path-match", &["true", "false"]),
        some(
            15,
            "alb.ingress.kubernetes.io/conditions.one",
            &[
                r#"[{"field":"host-header","hostHeaderConfig":{"values":["alias.test","*.y.test"]}}]"#,
                r#"[{"field":"path-pattern","pathPatternConfig":{"values":["/more/*"]}}]"#,
                r#"[{"field":"http-header","httpHeaderConfig":{"httpHeaderName":"X-Canary","values":["y*"]}}]"#,
                r#"[{"field":"http-request-method","httpRequestMethodConfig":{"values":["GET","HEAD"]}}]"#,
                r#"[{"field":"query-string","queryStringConfig":{"values":[{"key":"q","value":"1"}]}}]"#,
                r#"[{"field":"source-ip","sourceIPConfig":{"values":["192.0.2.0/24"]}}]"#,
            ],
        ),
        some(
            60,
            "alb.ingress.kubernetes.io/actions.two",
            &[
                r##"{"type":"redirect","redirectConfig":{"protocol":"HTTPS","port":"443","statusCode":"HTTP_301"}}"##,
                r##"{"type":"redirect","redirectConfig":{"host":"www.#{host}","path":"/new/#{path}","query":"#{query}&x=1","statusCode":"HTTP_302"}}"##,
                r#"{"type":"fixed-response","fixedResponseConfig":{"contentType":"text/plain","statusCode":"404"}}"#,
                r#"{"type":"fixed-response","fixedResponseConfig":{"statusCode":"503"}}"#,
                r#"{"type":"forward","forwardConfig":{"targetGroups":[{"serviceName":"three","servicePort":"http","weight":20},{"serviceName":"four","servicePort":80,"weight":80}]}}"#,
                r#"{"type":"forward","targetGroupARN":"arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/x/1"}"#,
            ],
        ),
        some(3, "alb.ingress.kubernetes.io/transforms.three", &["[]"]),
    ],
    service_annotations: &[some(10, "alb.ingress.kubernetes.io/target-type", &["ip", "instance"])],
    patterns: &[
        Pattern { path: "/a/*", asked: &["/a/", "/a/q", "/a", "/a/b/c"] },
        Pattern { path: "/v?", asked: &["/v1", "/v", "/v12"] },
        Pattern { path: "/*.png", asked: &["/x.png", "/x/y.png", "/x.PNG"] },
        Pattern { path: "*", asked: &["/", "/x"] },
        Pattern { path: "/impl", asked: &["/impl", "/impl/x"] },
        Pattern { path: "/v[0-9]+", asked: &["/v1", "/v12", "/v", "/x/v1"] },
    ],
    arguments: &[
        some(85, "--default-target-type", &["ip"]),
        some(15, "--tolerate-non-existent-backend-service", &["false", "true"]),
        some(15, "--tolerate-non-existent-backend-action", &["false", "true"]),
        some(10, "--ingress-class", &["alb", ""]),
        some(6, "--watch-namespace", &["n", "m"]),
    ],
    config: &[],
    headers: &[some(15, "X-Canary", &["yes", "no"])],
    deployed: |arguments, _| {
        vec![deployment(
            "aws-load-balancer-controller",
            "public.ecr.aws/eks/aws-load-balancer-controller:v3.1.0",
            arguments,
        )]
    },
};

/// Ingresses with classes by field and annotation, and with backends that an annotation describes.
fn routes(random: &mut StdRng, dialect: &Dialect) -> Vec<Value> {
    let mut found = ingresses(random, dialect);
    for ingress in &mut found {
        let rules = ingress.pointer_mut("/spec/rules").and_then(Value::as_array_mut);
        for rule in rules.into_iter().flatten() {
            let paths = rule.pointer_mut("/http/paths").and_then(Value::as_array_mut);
            for path in paths.into_iter().flatten() {
                if random.random_ratio(1, 8) {
                    path["backend"]["service"] = json!({"name": "two", "port": {"name": "use-annotation"}});
                }
                // One that has a pattern in the wrong place keeps its whole group from being built.
                if path["path"].as_str().is_some_and(|path| path.contains(['*', '?'])) {
                    path["pathType"] = json!("ImplementationSpecific");
                }
            }
        }
        if random.random_ratio(1, 12) {
            ingress["spec"]["ingressClassName"] = Value::Null;
            let class = one_of(random, &["alb", "nginx", ""]);
            ingress["metadata"]["annotations"]["kubernetes.io/ingress.class"] = json!(class);
        }
    }
    found
}
