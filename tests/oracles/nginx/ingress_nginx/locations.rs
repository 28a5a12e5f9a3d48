//! The order of locations, and the second location that a prefix brings along.

use super::servers::Location;

pub(super) fn expanded(mut locations: Vec<Location>) -> Vec<Location> {
    locations.sort_by(|one, other| other.path.cmp(&one.path));
    locations.sort_by_key(|location| std::cmp::Reverse(location.path.len()));
    let exact: Vec<String> =
        locations.iter().filter(|location| location.exact).map(|location| location.path.clone()).collect();
    let mut all = Vec::new();
    for location in locations {
        if location.path == "/" || location.exact || location.regex || location.is_rewritten() {
            all.push(location);
            continue;
        }
        let own = Location { exact: true, ..location.clone() };
        let slash = if location.path.ends_with('/') { "" } else { "/" };
        let path = format!("{}{slash}", location.path);
        all.push(Location { path, ..location });
        if !exact.contains(&own.path) {
            all.push(own);
        }
    }
    all
}
