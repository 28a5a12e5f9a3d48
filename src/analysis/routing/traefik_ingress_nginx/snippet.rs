//! Snippets, as far as they end a request: `return`, by itself or in a `location` of a server snippet.
//!
//! A directive that Traefik does not know, or not in that place, disables the router. What depends on
//! conditions or variables (`if`, `rewrite`, `allow`, `deny`) is not followed, and said to be there.
//! Source: traefik/traefik `pkg/middlewares/ingressnginx/snippet/*.go`, v3.7.13.

use crate::analysis::routing::traefik::pattern::{Match, Pattern};

#[derive(Debug)]
struct Directive {
    name: String,
    parameters: Vec<String>,
    block: Option<Vec<Directive>>,
}

/// Where a directive stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Context {
    Server,
    Location,
    If { in_location: bool },
}

/// A snippet that was read.
#[derive(Debug, Default)]
pub(super) struct Snippet {
    directives: Vec<Directive>,
}

/// What a snippet does to a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Nothing,
    /// Status, and the text or URL.
    Returns(u16, Option<String>),
    /// It depends on what is not followed.
    Unknown,
}

impl Snippet {
    /// `None` where the middleware cannot be built.
    pub(super) fn read(text: &str, server: bool) -> Option<Self> {
        let mut tokens = tokens(text)?.into_iter().peekable();
        let directives = block(&mut tokens, false)?;
        let context = if server { Context::Server } else { Context::Location };
        directives.iter().all(|directive| directive.is_allowed(context)).then_some(Self { directives })
    }

    /// What happens to a request for this decoded path.
    pub(super) fn effect(&self, path: &[u8]) -> Effect {
        run(&self.directives, path)
    }
}

fn run(directives: &[Directive], path: &[u8]) -> Effect {
    let mut unknown = false;
    for directive in directives {
        let effect = match directive.name.as_str() {
            "return" => directive.returned(),
            "location" if directive.matches(path) => {
                run(directive.block.as_deref().unwrap_or_default(), path)
            }
            "if" | "rewrite" | "allow" | "deny" => Effect::Unknown,
            _ => Effect::Nothing,
        };
        match effect {
            Effect::Nothing => {}
            Effect::Returns(..) if unknown => return Effect::Unknown,
            returns @ Effect::Returns(..) => return returns,
            Effect::Unknown => unknown = true,
        }
    }
    if unknown { Effect::Unknown } else { Effect::Nothing }
}

impl Directive {
    fn is_allowed(&self, context: Context) -> bool {
        let here = match self.name.as_str() {
            "more_set_headers"
            | "more_clear_headers"
            | "more_set_input_headers"
            | "more_clear_input_headers"
            | "set"
            | "return"
            | "rewrite"
            | "allow"
            | "deny" => true,
            "add_header" | "expires" => context != Context::If { in_location: false },
            "proxy_set_header" | "if" | "proxy_hide_header" | "proxy_method" | "auth_request_set" => {
                matches!(context, Context::Server | Context::Location)
            }
            "location" => context == Context::Server,
            _ => false,
        };
        let least = match self.name.as_str() {
            "proxy_set_header" | "set" | "rewrite" | "add_header" | "auth_request_set" => 2,
            _ => 1,
        };
        let inner = match self.name.as_str() {
            "location" => Some(Context::Location),
            "if" => Some(Context::If { in_location: context == Context::Location }),
            _ => None,
        };
        here && self.parameters.len() >= least
            && match (inner, &self.block) {
                (Some(inner), Some(block)) => block.iter().all(|directive| directive.is_allowed(inner)),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            }
    }

    fn returned(&self) -> Effect {
        let first = self.parameters.first().map(String::as_str).unwrap_or_default();
        match first.parse::<u16>() {
            Ok(code) => Effect::Returns(code, self.parameters.get(1).cloned()),
            Err(_) => Effect::Returns(302, Some(first.to_owned())),
        }
    }

    /// Whether a location takes a path.
    fn matches(&self, path: &[u8]) -> bool {
        let pattern: String = self.parameters.iter().take(2).map(String::as_str).collect();
        let regex = |text: &str| Pattern::new(text.trim()).is_match(path) == Match::Yes;
        if let Some(text) = pattern.strip_prefix("~*") {
            regex(&format!("(?i){}", text.trim()))
        } else if let Some(text) = pattern.strip_prefix('~') {
            regex(text)
        } else if let Some(exact) = pattern.strip_prefix('=') {
            path == exact.trim().as_bytes()
        } else {
            path.starts_with(pattern.as_bytes())
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    End,
    Open,
    Close,
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ';' => out.push(Token::End),
            '{' => out.push(Token::Open),
            '}' => out.push(Token::Close),
            '#' => while chars.next_if(|c| *c != '\n').is_some() {},
            '"' | '\'' => {
                let mut word = String::new();
                loop {
                    match chars.next()? {
                        '\\' => {
                            word.push('\\');
                            word.push(chars.next()?);
                        }
                        end if end == c => break,
                        other => word.push(other),
                    }
                }
                out.push(Token::Word(word));
            }
            c if c.is_whitespace() => {}
            c => {
                let mut word = String::from(c);
                while let Some(next) = chars.next_if(|c| !c.is_whitespace() && !matches!(c, ';' | '{' | '}'))
                {
                    word.push(next);
                }
                out.push(Token::Word(word));
            }
        }
    }
    Some(out)
}

fn block(
    tokens: &mut std::iter::Peekable<std::vec::IntoIter<Token>>,
    nested: bool,
) -> Option<Vec<Directive>> {
    let mut out = Vec::new();
    let mut words: Vec<String> = Vec::new();
    loop {
        let token = tokens.next();
        let inner = match token {
            None if nested || !words.is_empty() => return None,
            None => return Some(out),
            // Behind the end of the block that a snippet is wrapped in there is nothing that could stand.
            Some(Token::Close) if words.is_empty() => {
                let is_end = nested || tokens.by_ref().all(|token| !matches!(token, Token::Word(_)));
                return is_end.then_some(out);
            }
            Some(Token::Close) => return None,
            Some(Token::Word(word)) => {
                words.push(word);
                continue;
            }
            // Nothing is opened where nothing is named.
            Some(Token::Open) if words.is_empty() => continue,
            Some(Token::End) => None,
            Some(Token::Open) => Some(block(tokens, true)?),
        };
        let mut parts = std::mem::take(&mut words).into_iter();
        match parts.next() {
            Some(name) => out.push(Directive { name, parameters: parts.collect(), block: inner }),
            None if inner.is_none() => {}
            None => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_returns_or_lets_pass() {
        let returns = |code, text: Option<&str>| Some(Effect::Returns(code, text.map(ToOwned::to_owned)));
        for (text, server, path, expected) in [
            ("return 403;", false, "/", returns(403, None)),
            ("return 302 \"https://x.example/\";", false, "/", returns(302, Some("https://x.example/"))),
            ("return https://x.example/;", false, "/", returns(302, Some("https://x.example/"))),
            ("more_set_headers \"X-A: b\";", false, "/", Some(Effect::Nothing)),
            ("proxy_set_header X-A b;", false, "/", Some(Effect::Nothing)),
            ("# nothing\n", false, "/", Some(Effect::Nothing)),
            ("location /blocked { return 403; }", true, "/blocked/x", returns(403, None)),
            ("location /blocked { return 403; }", true, "/else", Some(Effect::Nothing)),
            ("location = /a { return 404; }", true, "/a", returns(404, None)),
            ("location ~* ^/A$ { return 404; }", true, "/a", returns(404, None)),
            ("location /blocked { return 403; }", false, "/", None),
            ("if ($x) { return 403; }", false, "/", Some(Effect::Unknown)),
            ("sub_filter a b;", false, "/", None),
            ("return 403", false, "/", None),
            ("return 403; }", false, "/", returns(403, None)),
            ("{", true, "/", Some(Effect::Nothing)),
            ("{ return 403;", false, "/", returns(403, None)),
            ("; return 403; } ;", false, "/", returns(403, None)),
            ("return 403; } bogus", false, "/", None),
            ("location / { return 403 }", true, "/", None),
        ] {
            let found = Snippet::read(text, server).map(|snippet| snippet.effect(path.as_bytes()));
            assert_eq!(found, expected, "{text}");
        }
    }
}
