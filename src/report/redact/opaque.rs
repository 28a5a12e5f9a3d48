//! Whether a value looks like a key although its name does not say so.
//!
//! Assumption: keys are long words without sense, letters of both cases and digits mixed, or hexadecimal.
//! Paths, host names, image digests, hashes under a name that says so, and UUIDs are none.

/// Shorter words are names.
const SHORTEST: usize = 20;
/// Of each kind of character.
const LEAST_MIXED: usize = 2;
/// The shortest hexadecimal key, and more digits than any number.
const SHORTEST_HEX: usize = 32;

/// What names of hashes and identities contain.
const HASHES: [&str; 14] = [
    "sha",
    "hash",
    "digest",
    "checksum",
    "commit",
    "revision",
    "version",
    "uid",
    "uuid",
    "etag",
    "fingerprint",
    "build",
    "image",
    "_id",
];

/// Whether the whole value is one such word.
pub(super) fn is_opaque(name: &str, value: &str) -> bool {
    if value.len() < SHORTEST || !value.trim_end_matches('=').bytes().all(is_of_key) {
        return false;
    }
    let name = name.to_ascii_lowercase();
    if value.bytes().all(|b| b.is_ascii_hexdigit()) {
        return value.len() >= SHORTEST_HEX
            && value.bytes().any(|b| b.is_ascii_alphabetic())
            && !HASHES.iter().any(|hash| name.contains(hash));
    }
    let count = |of: fn(&u8) -> bool| value.as_bytes().iter().filter(|b| of(b)).count();
    let mixed = LEAST_MIXED <= count(u8::is_ascii_lowercase)
        && LEAST_MIXED <= count(u8::is_ascii_uppercase)
        && LEAST_MIXED <= count(u8::is_ascii_digit);
    mixed && !is_path(value) && !is_time(value)
}

fn is_of_key(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'_' | b'-' | b'.' | b'~')
}

/// Parts between slashes that are all short.
fn is_path(value: &str) -> bool {
    (value.starts_with(['/', '.', '~']) || value.matches('/').count() > 1)
        && value.split('/').all(|part| part.len() < SHORTEST)
}

/// `2026-11-22T10…`
fn is_time(value: &str) -> bool {
    value.get(..5).is_some_and(|head| head.ends_with('-') && head.bytes().take(4).all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_recognised() {
        for value in [
            "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY01",
            "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA==",
            "0123456789abcdef0123456789abcdef",
            "q7Zp_4kLm-92xVbNtR",
        ] {
            assert_eq!(is_opaque("FOO", value), value.len() >= SHORTEST, "{value}");
        }
    }

    #[test]
    fn names_paths_and_hashes_are_none() {
        for (name, value) in [
            ("FOO", "shop.example.com"),
            ("FOO", "/var/lib/App/Data2026/Cache01"),
            ("FOO", "ingress-nginx-controller-7d4f9c5b6-x2k9p"),
            ("FOO", "79ae66b4-bbe1-45c4-8870-111d83fcac38"),
            ("FOO", "https://auth.Example42.com/oauth2/start"),
            ("GIT_COMMIT", "0123456789abcdef0123456789abcdef01234567"),
            ("checksum/config", "0123456789abcdef0123456789abcdef01234567"),
            ("FOO", "12345678901234567890123456789012345"),
            ("FOO", "2026-11-22T10:00:00Z"),
            ("FOO", "mode=fast2,Level=HIGH22,depth=33"),
        ] {
            assert!(!is_opaque(name, value), "{name}={value}");
        }
    }
}
