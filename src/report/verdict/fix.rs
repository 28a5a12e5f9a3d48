//! What to do about a verdict.

use super::super::object_ref::ObjectRef;
use super::super::route::edit;
use super::super::text::Text;
use super::{name, q};
use crate::analysis::verdicts::Fix;

/// A fix in words.
pub(super) fn words(fix: &Fix) -> String {
    match fix {
        Fix::SetClass { ingress, class } => match class {
            Some(class) => {
                format!("set spec.ingressClassName: {} on Ingress {}", Text::new(class), name(ingress))
            }
            None => format!("set spec.ingressClassName on Ingress {}", name(ingress)),
        },
        Fix::CreateClass { class, controller } => {
            format!("create IngressClass {} with spec.controller {}", Text::new(class), Text::new(controller))
        }
        Fix::MatchClass { ingress, class } => {
            format!(
                "give Ingress {} the class of the running controller ({})",
                name(ingress),
                Text::new(class)
            )
        }
        Fix::WatchNamespace { namespace, controller } => format!(
            "let {} watch namespace {}, or move the Ingress",
            ObjectRef::from(controller),
            Text::new(namespace)
        ),
        Fix::AllowAnnotation { key, ingress, setting, config_map } => format!(
            "remove {} from Ingress {}, or set {} in ConfigMap {}",
            Text::new(key),
            name(ingress),
            Text::new(setting),
            config_map.as_ref().map_or_else(|| "of the controller".to_owned(), |map| name(map).to_string())
        ),
        Fix::MendAnnotation { key, ingress } => {
            format!("mend or remove {} on Ingress {}", Text::new(key), name(ingress))
        }
        Fix::AskHost { host } => {
            format!("ask for host {}, or add a rule for the asked host", Text::new(host))
        }
        Fix::Edit { ingress, edit: of } => format!("on Ingress {}: {}", name(ingress), edit(of)),
        Fix::SeparateHost { ingress, annotation } => format!(
            "give Ingress {} a host of its own, or remove {} from it",
            name(ingress),
            Text::new(annotation)
        ),
        Fix::Rewrite { ingress, path } => format!(
            "let Ingress {} strip {} (a capture group and rewrite-target on a host of its own), or give the application that base path",
            name(ingress),
            q(path)
        ),
        Fix::UseCapture { ingress, path, target } => format!(
            "on Ingress {}: capture what follows {} and use it in the rewrite target {}",
            name(ingress),
            q(path),
            q(target)
        ),
        Fix::CreateMain { host, path } => format!(
            "create an Ingress without the canary annotations for host {} path {}, or remove them from this one",
            q(host),
            q(path)
        ),
        Fix::ServeAuth { ingress, path, elsewhere } => match elsewhere {
            Some((host, other)) => format!(
                "let auth-url and auth-signin of Ingress {} name host {} (Ingress {}), or serve {} on its own host",
                name(ingress),
                Text::new(host),
                name(other),
                q(path)
            ),
            None => format!("serve {} on the host of Ingress {}", q(path), name(ingress)),
        },
        Fix::RemoveDuplicate { older, younger } => format!(
            "remove the rule from Ingress {} if {} is to serve it, or the other way round",
            name(older),
            name(younger)
        ),
        Fix::RestoreBackend { ingress, service } => match service {
            Some(service) => {
                format!("set the backend of Ingress {} back to {}", name(ingress), Text::new(service))
            }
            None => format!("set the backend of Ingress {} back", name(ingress)),
        },
        Fix::PointToService { ingress, nearest } => match nearest {
            Some(near) => format!(
                "let Ingress {} name a Service and port that exist (nearest: {})",
                name(ingress),
                name(near)
            ),
            None => format!("let Ingress {} name a Service and port that exist", name(ingress)),
        },
        Fix::MakeReady { service } => format!("make the pods behind Service {} ready", name(service)),
        Fix::ResolveDuplicate { between } => {
            let names: Vec<String> = between.iter().map(|of| name(of).to_string()).collect();
            if names.is_empty() {
                "mend what the proxy refuses; nothing newer is in force until then".to_owned()
            } else {
                format!("remove one of the paths that collide ({})", names.join(", "))
            }
        }
        Fix::AddRule { path, host, ingress } => match ingress {
            Some(ingress) => format!("add a rule for {} to Ingress {}", q(path), name(ingress)),
            None => format!("add a rule for {} on host {}", q(path), q(host)),
        },
        Fix::CreateIngress { ingress, host } => format!(
            "create Ingress {} again, or give another Ingress its rule for host {}",
            name(ingress),
            q(host)
        ),
        Fix::Resync { controller } => format!(
            "let {} load the objects anew (it may be starting still), and read its log and ConfigMap if it does not",
            controller
                .as_ref()
                .map_or_else(|| "the controller".to_owned(), |of| ObjectRef::from(of).to_string())
        ),
        Fix::MendIngress { ingress } => {
            format!("mend what Ingress {} was refused for, and apply it again", name(ingress))
        }
        Fix::AskApplication { service } => format!(
            "routing is right: look at the routes of the application{}",
            service.as_ref().map(|of| format!(" behind Service {}", name(of))).unwrap_or_default()
        ),
        Fix::DropInterception { codes } => {
            format!("take {} out of custom-http-errors to see the application's own answer", q(codes))
        }
        Fix::Nothing => "nothing to do".to_owned(),
        Fix::CloseGaps(gaps) => {
            if gaps.is_empty() {
                "send the request once with exec_probe, or wait for one in the controller's log".to_owned()
            } else {
                "close the gaps below and ask again".to_owned()
            }
        }
        Fix::Observe => "this is not a 404: see the alternatives for its cause".to_owned(),
    }
}
