//! Why an HTTPRoute is attached to no listener that could take the request, in words.

use super::quoted;
use crate::analysis::routing::Detached;
use crate::model::object::Name;
use crate::report::object_ref::NameRef;
use crate::report::text::Text;

/// Why, as the end of a sentence about the route.
pub(super) fn detached_words(detached: &Detached) -> String {
    let at = |gateway: &Name, listener: &str| {
        format!("listener {} of Gateway {}", Text::new(listener), NameRef::from(gateway))
    };
    match detached {
        Detached::NoParent => "it names no Gateway as its parent".to_owned(),
        Detached::GatewayMissing { gateway } => {
            format!("its Gateway {} does not exist", NameRef::from(gateway))
        }
        Detached::GatewayOfOther { gateway, class } => format!(
            "the class {} of its Gateway {} is not this implementation's",
            quoted(class),
            NameRef::from(gateway)
        ),
        Detached::ListenerMissing { gateway, wanted } => {
            format!("Gateway {} has no listener {}", NameRef::from(gateway), Text::new(wanted))
        }
        Detached::ListenerDown { gateway, listener } => format!("{} does not serve", at(gateway, listener)),
        Detached::NamespaceNotAllowed { gateway, listener } => {
            format!("{} takes no routes of its namespace", at(gateway, listener))
        }
        Detached::KindNotAllowed { gateway, listener } => {
            format!("{} takes no HTTPRoutes", at(gateway, listener))
        }
        Detached::HostsApart { gateway, listener } => {
            format!("none of its host names is one of {}", at(gateway, listener))
        }
        Detached::OtherPort { gateway, listener } => {
            format!("it is attached to {}, which takes no such connection", at(gateway, listener))
        }
        Detached::Undecided => "whether it is attached cannot be told from what was seen".to_owned(),
    }
}
