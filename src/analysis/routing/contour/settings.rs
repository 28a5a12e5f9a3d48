//! The keys of Contour's configuration file that change routing.
//!
//! Read line by line: the file is YAML with these keys at its top.
//! Source: projectcontour/contour `pkg/config/parameters.go`, 1.33.

use crate::analysis::routing::serving::External;
use crate::model::controller::{ConfigSeen, Settings};

#[derive(Debug)]
pub(super) struct Config {
    pub(super) external_names: External,
    pub(super) merges_slashes: bool,
    /// The ConfigMap could not be read.
    pub(super) unseen: bool,
}

impl Config {
    pub(super) fn new(settings: &Settings) -> Self {
        let file = settings.config("contour.yaml").unwrap_or_default();
        let is_on = |key: &str| {
            file.lines()
                .filter_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix(':'))
                .any(|value| value.split('#').next().unwrap_or_default().trim() == "true")
        };
        Self {
            external_names: if is_on("enableExternalNameService") {
                External::Served
            } else {
                External::Barred
            },
            merges_slashes: !is_on("disableMergeSlashes"),
            unseen: settings.config == ConfigSeen::Unseen,
        }
    }
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

    #[test]
    fn the_file_is_read_by_its_top_keys() {
        let config = |file: &str| {
            let data = [("contour.yaml".to_owned(), file.to_owned())].into();
            Config::new(&Settings { config: ConfigSeen::Known(data), ..Settings::default() })
        };
        let plain = config("accesslog-format: envoy\n");
        assert_eq!((plain.external_names, plain.merges_slashes), (External::Barred, true));
        let told = config("enableExternalNameService: true # yes\ndisableMergeSlashes: true\n");
        assert_eq!((told.external_names, told.merges_slashes), (External::Served, false));
        let nested = config("other:\n  disableMergeSlashes: true\n");
        assert!(nested.merges_slashes);
    }
}
