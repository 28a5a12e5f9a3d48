//! The one thing in a snippet that is followed: a `return` at its beginning.

/// The status and, if there is one, the text of `return CODE [TEXT];`.
pub(in crate::analysis::routing) fn leading_return(snippet: &str) -> Option<(u16, Option<&str>)> {
    let statement = first_statement(snippet)?.trim();
    let mut words = statement.strip_prefix("return")?.splitn(2, char::is_whitespace);
    if !words.next()?.is_empty() {
        return None;
    }
    let rest = words.next()?.trim();
    let (code, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    match code.parse::<u16>() {
        Ok(code) if (100..1000).contains(&code) => {
            let text = text.trim().trim_matches(['"', '\'']);
            Some((code, (!text.is_empty()).then_some(text)))
        }
        Ok(_) => None,
        Err(_) => Some((302, Some(code))).filter(|_| text.is_empty() && code.starts_with("http")),
    }
}

/// The text before the first semicolon, without comments; `None` where a block begins first.
fn first_statement(snippet: &str) -> Option<&str> {
    let mut rest = snippet.trim_start();
    while let Some(comment) = rest.strip_prefix('#') {
        rest = comment.split_once('\n')?.1.trim_start();
    }
    let (statement, _) = rest.split_once(';')?;
    (!statement.contains('{')).then_some(statement)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_return_at_the_beginning_counts() {
        for (snippet, expected) in [
            ("return 418;", Some((418, None))),
            ("  # gone\n return 301 https://a.example/$uri;", Some((301, Some("https://a.example/$uri")))),
            ("return 403 \"no entry\";\nmore;", Some((403, Some("no entry")))),
            ("return https://a.example/;", Some((302, Some("https://a.example/")))),
            ("more_set_headers \"X-A: b\";", None),
            ("if ($host) { return 403; }", None),
            ("returned 4;", None),
            ("return 4", None),
            ("", None),
        ] {
            assert_eq!(leading_return(snippet), expected, "{snippet}");
        }
    }
}
