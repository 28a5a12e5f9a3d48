//! What a `rewrite` to another site does to its text before it is sent.
//!
//! Groups go in escaped as arguments where the request's path had an escape or a plus, and raw where it
//! had none; then what need not be escaped is decoded again, up to the first question mark.
//! Source: nginx 1.27 `src/http/ngx_http_script.c` (`ngx_http_script_copy_capture_code`,
//! `ngx_http_script_regex_end_code`), `src/core/ngx_string.c` (`NGX_ESCAPE_ARGS`,
//! `NGX_UNESCAPE_REDIRECT`).

/// Escapes a group.
pub(super) fn escape_group(group: &[u8]) -> Vec<u8> {
    let kept = |byte: u8| byte.is_ascii_graphic() && !b"\"#%&+;<>?\\^`{|}".contains(&byte);
    let mut out = Vec::with_capacity(group.len());
    for byte in group {
        if kept(*byte) {
            out.push(*byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    out
}

/// Decodes what need not be escaped. An escape that is none loses its sign, or is lost.
pub(super) fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'?' => {
                out.push(b'?');
                break;
            }
            b'%' => {
                let Some((first, tail)) = rest.split_first() else { break };
                rest = tail;
                let Some(high) = hex(*first) else {
                    out.push(*first);
                    continue;
                };
                let Some((second, tail)) = rest.split_first() else { break };
                rest = tail;
                let Some(low) = hex(*second) else { continue };
                match high << 4 | low {
                    b'?' => {
                        out.push(b'?');
                        break;
                    }
                    plain if plain > b'%' && plain < 0x7f => out.push(plain),
                    _ => out.extend_from_slice(&[b'%', *first, *second]),
                }
            }
            other => out.push(*other),
        }
    }
    out.extend_from_slice(rest);
    out
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_decoded_as_nginx_does() {
        for (text, expected) in [
            ("a%20b", "a%20b"),
            ("a%7e%41%2f", "a~A/"),
            ("a%22%25%23%c3%7F", "a%22%25%23%c3%7F"),
            ("a%3Fb%20c%2Bd", "a?b%20c%2Bd"),
            ("a?b%41", "a?b%41"),
            ("a%?b%41", "a?bA"),
            ("a%4xb", "ab"),
            ("a%4", "a"),
            ("a%", "a"),
        ] {
            assert_eq!(String::from_utf8(unescape(text.as_bytes())).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn groups_are_escaped_as_arguments() {
        for (group, expected) in
            [(&b"a b+c?d&e;f"[..], "a%20b%2Bc%3Fd%26e%3Bf"), (b"\xc3\"<~$", "%C3%22%3C~$")]
        {
            assert_eq!(String::from_utf8(escape_group(group)).as_deref(), Ok(expected));
        }
    }
}
