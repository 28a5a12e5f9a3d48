//! Files as UTF-8 without a byte order mark. Windows PowerShell writes what a command prints as UTF-16.

use std::borrow::Cow;

/// The same text in UTF-8; bytes that are no UTF-16 stay as they are.
pub(super) fn utf8(bytes: &[u8]) -> Cow<'_, [u8]> {
    let units = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, _) = bytes.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        Cow::Owned(String::from_utf16_lossy(&units).into_bytes())
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => units(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => units(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => Cow::Borrowed(rest),
        _ => Cow::Borrowed(bytes),
    }
}

/// The same for a whole file, which is handed back untouched where nothing is to do.
pub(super) fn file(bytes: Cow<'static, [u8]>) -> Cow<'static, [u8]> {
    match utf8(&bytes) {
        Cow::Owned(text) => Cow::Owned(text),
        Cow::Borrowed(rest) if rest.len() == bytes.len() => bytes,
        Cow::Borrowed(rest) => Cow::Owned(rest.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn becomes(bytes: &[u8], text: &str) {
        assert_eq!(String::from_utf8_lossy(&utf8(bytes)), text, "{bytes:?}");
        assert_eq!(utf8(bytes), file(Cow::Owned(bytes.to_vec())));
    }

    #[test]
    fn every_mark_goes_and_utf16_is_rewritten() {
        becomes(b"kind: x", "kind: x");
        becomes("\u{feff}kind: x".as_bytes(), "kind: x");
        becomes(b"\xff\xfek\0:\0\xe4\0", "k:ä");
        becomes(b"\xfe\xff\0k\0:", "k:");
        becomes(b"\xff\xfek", "");
        becomes(b"", "");
    }
}
