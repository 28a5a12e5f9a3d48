//! The keys of Contour's configuration file that change routing.
//!
//! Read line by line: the file is YAML with these keys at its top, or one map deep.
//! Source: projectcontour/contour `pkg/config/parameters.go`, 1.33.

use crate::analysis::routing::serving::External;
use crate::model::controller::{ConfigSeen, Settings};

#[derive(Debug)]
pub(super) struct Config {
    pub(super) external_names: External,
    pub(super) merges_slashes: bool,
    /// A dot at the end of the host is taken off before anything else.
    pub(super) strips_dot: bool,
    /// The ConfigMap could not be read.
    pub(super) unseen: bool,
}

impl Config {
    pub(super) fn new(settings: &Settings) -> Self {
        let file = settings.config("contour.yaml").unwrap_or_default();
        Self {
            external_names: if is_on(file, "enableExternalNameService") {
                External::Served
            } else {
                External::Barred
            },
            merges_slashes: !is_on(file, "disableMergeSlashes"),
            strips_dot: is_on(inside(file, "network"), "strip-trailing-host-dot"),
            unseen: settings.config == ConfigSeen::Unseen,
        }
    }
}

/// What follows a key in a line of a map.
fn value<'l>(line: &'l str, key: &str) -> Option<&'l str> {
    let value = line.strip_prefix(key)?.trim_start().strip_prefix(':')?;
    Some(value.split(" #").next().unwrap_or_default().trim())
}

/// The indented lines below a key at the top of a file.
fn inside<'f>(file: &'f str, key: &str) -> &'f str {
    let mut at = 0;
    for line in file.split_inclusive('\n') {
        at += line.len();
        if value(line, key).is_some() {
            let rest = file.get(at..).unwrap_or_default();
            let is_inside = |line: &&str| line.trim().is_empty() || line.starts_with([' ', '#']);
            let length = rest.split_inclusive('\n').take_while(is_inside).map(str::len).sum();
            return rest.get(..length).unwrap_or_default();
        }
    }
    ""
}

/// Whether a key of a map is true, in any of the words that the parser takes for it.
fn is_on(map: &str, key: &str) -> bool {
    let said = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let indent = map.lines().find(said).map_or(0, |line| line.len() - line.trim_start().len());
    map.lines()
        .filter_map(|line| value(line.get(indent..)?, key))
        .any(|value| matches!(value, "true" | "True" | "TRUE" | "y" | "Y" | "yes" | "on"))
}

/// Whether requests are sent to `ExternalName` Services; `None` where the file could not be read.
#[must_use]
pub fn serves_external_names(settings: &Settings) -> Option<bool> {
    let config = Config::new(settings);
    (!config.unseen).then_some(config.external_names == External::Served)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(file: &str) -> Config {
        let data = [("contour.yaml".to_owned(), file.to_owned())].into();
        Config::new(&Settings { config: ConfigSeen::Known(data), ..Settings::default() })
    }

    #[test]
    fn the_file_is_read_by_its_top_keys() {
        let plain = config("accesslog-format: envoy\n");
        assert_eq!((plain.external_names, plain.merges_slashes), (External::Barred, true));
        let told = config("enableExternalNameService: true # yes\ndisableMergeSlashes: true\n");
        assert_eq!((told.external_names, told.merges_slashes), (External::Served, false));
        assert!(config("other:\n  disableMergeSlashes: true\n").merges_slashes);
        assert!(!config("disableMergeSlashes: yes\n").merges_slashes);
        assert!(config("disableMergeSlashes: False\n").merges_slashes);
    }

    #[test]
    fn a_key_of_the_network_is_read_in_its_own_map() {
        for (file, expected) in [
            ("network:\n  strip-trailing-host-dot: true\n", true),
            ("network: # Envoy\n\n  # dots\n  admin-port: 1\n  strip-trailing-host-dot: True\ntls:\n", true),
            ("network:\n  strip-trailing-host-dot: false\n", false),
            ("network:\n  admin-port: 1\nlistener:\n  strip-trailing-host-dot: true\n", false),
            ("network:\n  socket-options:\n    strip-trailing-host-dot: true\n", false),
            ("strip-trailing-host-dot: true\n", false),
        ] {
            assert_eq!(config(file).strips_dot, expected, "{file}");
        }
    }
}
