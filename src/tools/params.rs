//! Parameters that several tools share: each refuses bad input with a message that teaches.

use std::borrow::Cow;

use chrono::{DateTime, Duration, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use crate::model::controller::ControllerKind;
use crate::model::host::HostName;
use crate::model::object::Name;
use crate::model::request::{Request, RequestPath};

/// How much a result tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Detail {
    #[default]
    Concise,
    Detailed,
}

/// An absolute URL, kept byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url(pub Request);

/// A host, without scheme and path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host(pub HostName);

/// An absolute path, without query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(pub RequestPath);

/// A moment, or a time back from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    At(DateTime<Utc>),
    Ago(Duration),
}

impl Moment {
    #[must_use]
    pub fn resolve(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now.checked_sub_signed(ago).unwrap_or(now),
        }
    }
}

/// A controller by its slug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slug(pub ControllerKind);

/// An object by `NAME` or `NAMESPACE/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectName {
    pub namespace: Option<String>,
    pub name: String,
}

impl ObjectName {
    /// The full name, the namespace filled in where it was left out.
    #[must_use]
    pub fn within(&self, namespace: Option<&str>) -> Option<Name> {
        let namespace = self.namespace.as_deref().or(namespace)?;
        Some(Name::new(namespace, &self.name))
    }
}

/// A request header, `Name: value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header(pub String, pub String);

macro_rules! text_parameter {
    ($type:ty, $name:literal, $schema:expr, $parse:expr) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                let parse: fn(&str) -> Result<Self, String> = $parse;
                parse(&text).map_err(serde::de::Error::custom)
            }
        }
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

text_parameter!(Url, "Url", json_schema!({"type": "string", "pattern": "^https?://"}), |text| {
    Request::parse(text).map(Url).map_err(|error| error.to_string())
});
text_parameter!(Host, "Host", json_schema!({"type": "string"}), |text| {
    HostName::parse(text).map(Host).map_err(|error| error.to_string())
});
text_parameter!(Path, "Path", json_schema!({"type": "string", "pattern": "^/"}), |text| {
    RequestPath::parse(text).map(Path).map_err(|error| error.to_string())
});
text_parameter!(Moment, "Moment", json_schema!({"type": "string"}), moment);
text_parameter!(
    Slug,
    "Controller",
    json_schema!({"type": "string", "enum": ControllerKind::ALL.map(ControllerKind::slug)}),
    |text| {
        ControllerKind::parse(text).map(Slug).ok_or_else(|| {
            let known = ControllerKind::ALL.map(ControllerKind::slug).join(", ");
            format!("{:?} is not a controller this program knows: use one of {known}", short(text))
        })
    }
);
text_parameter!(ObjectName, "ObjectName", json_schema!({"type": "string"}), |text| {
    let (namespace, name) = match text.split_once('/') {
        Some((namespace, name)) => (Some(namespace.to_owned()), name),
        None => (None, text),
    };
    let fine = |part: &str| {
        !part.is_empty()
            && part.len() <= 253
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.'))
    };
    if fine(name) && namespace.as_deref().is_none_or(fine) {
        Ok(ObjectName { namespace, name: name.to_owned() })
    } else {
        Err(format!("{:?} is not an object's name: use NAME or NAMESPACE/NAME", short(text)))
    }
});
text_parameter!(Header, "Header", json_schema!({"type": "string", "pattern": "^[^:]+:"}), |text| {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| format!("{:?} is not a header: write `Name: value`", short(text)))?;
    let token =
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c));
    if token && !value.chars().any(char::is_control) {
        Ok(Header(name.to_owned(), value.trim().to_owned()))
    } else {
        Err(format!(
            "{:?} is not a header: the name takes letters, digits and '-', the value no line ends",
            short(text)
        ))
    }
});

fn moment(text: &str) -> Result<Moment, String> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(Moment::At(at.with_timezone(&Utc)));
    }
    let split = text.len().saturating_sub(1);
    let ago = text.get(..split).zip(text.get(split..)).and_then(|(number, unit)| {
        let number: i64 = number.parse().ok().filter(|n| (0..=1_000_000).contains(n))?;
        match unit {
            "s" => Duration::try_seconds(number),
            "m" => Duration::try_minutes(number),
            "h" => Duration::try_hours(number),
            "d" => Duration::try_days(number),
            _ => None,
        }
    });
    ago.map(Moment::Ago).ok_or_else(|| {
        format!(
            "{:?} is not a time: write 2026-11-22T10:15:00Z, or a time back from now such as 90m, 2h or 1d",
            short(text)
        )
    })
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn refused<T: for<'de> Deserialize<'de> + std::fmt::Debug>(value: Value, part: &str) {
        let error = serde_json::from_value::<T>(value).expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
    }

    #[test]
    fn bad_values_are_refused_with_a_hint() {
        refused::<Url>(json!("shop.example.com/x"), "not an absolute URL");
        refused::<Host>(json!("https://a/b"), "pass the whole address as `url`");
        refused::<Path>(json!("x"), "must start with '/'");
        refused::<Moment>(json!("yesterday"), "write 2026-11-22T10:15:00Z");
        refused::<Slug>(json!("nginx"), "ingress-nginx, traefik");
        refused::<ObjectName>(json!("a/b/c"), "NAMESPACE/NAME");
        refused::<ObjectName>(json!("Shop"), "NAMESPACE/NAME");
        refused::<Header>(json!("Host"), "Name: value");
        refused::<Header>(json!("X: a\r\nY: b"), "no line ends");
    }

    #[test]
    fn times_are_moments_or_ages() {
        let now: DateTime<Utc> = "2026-11-22T10:15:00Z".parse().expect("time");
        for (text, at) in
            [("90m", "2026-11-22T08:45:00Z"), ("2026-11-22T09:00:00+01:00", "2026-11-22T08:00:00Z")]
        {
            let moment: Moment = serde_json::from_value(json!(text)).expect(text);
            assert_eq!(moment.resolve(now), at.parse::<DateTime<Utc>>().expect(at));
        }
    }
}
