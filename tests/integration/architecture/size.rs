//! How long a file may be, without its tests. A file that grows past the limit is split by case, into a
//! folder of its own name.

use super::none;
use super::source::all;

const MOST: usize = 500;
const MEDIAN: usize = 150;

/// Files that are too long and known to be. The list only gets shorter.
const TOO_LONG: &[&str] = &[];

#[test]
fn files_are_short() {
    let mut sizes: Vec<(usize, String)> =
        all().into_iter().map(|source| (source.lines, source.path)).collect();
    sizes.sort();
    let (median, _) = &sizes[sizes.len() / 2];
    assert!(*median <= MEDIAN, "half of the files have more than {median} lines");
    let long: Vec<String> = sizes
        .iter()
        .filter(|(lines, path)| (*lines > MOST) != TOO_LONG.contains(&path.as_str()))
        .map(|(lines, path)| format!("{path}: {lines} lines without tests; at most {MOST}, or in TOO_LONG"))
        .collect();
    none(&long);
}
