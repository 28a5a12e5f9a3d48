//! How long a file may be, without its tests. A file that grows past the limit is split by case, into a
//! folder of its own name.

use super::none;
use super::source::all;

const MOST: usize = 500;
const MEDIAN: usize = 150;

#[test]
fn files_are_short() {
    let mut sizes: Vec<(usize, String)> =
        all().into_iter().map(|source| (source.lines, source.path)).collect();
    sizes.sort();
    let (median, _) = &sizes[sizes.len() / 2];
    assert!(*median <= MEDIAN, "half of the files have more than {median} lines");
    let long: Vec<String> = sizes
        .iter()
        .filter(|(lines, _)| *lines > MOST)
        .map(|(lines, path)| format!("{path}: {lines} lines without tests; at most {MOST}"))
        .collect();
    none(&long);
}
