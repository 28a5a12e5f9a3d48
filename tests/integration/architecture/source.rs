//! A source file as tokens, without comments and without test code.

use std::collections::BTreeSet;
use std::str::FromStr;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

use super::{files, root};

/// One token; brackets are tokens too.
pub(super) struct Token {
    pub(super) text: String,
    pub(super) line: usize,
}

/// One file of `src`.
pub(super) struct Source {
    /// `src/analysis/routing.rs`
    pub(super) path: String,
    /// `["analysis", "routing"]`
    pub(super) module: Vec<String>,
    pub(super) tokens: Vec<Token>,
    /// Lines that are not test code.
    pub(super) lines: usize,
    /// Modules declared for tests only, by name.
    test_modules: Vec<String>,
}

impl Source {
    pub(super) fn stem(&self) -> &str {
        self.module.last().map_or("main", String::as_str)
    }

    /// Where a run of tokens begins, each time it occurs.
    pub(super) fn occurrences<'a>(&'a self, run: &'a [&str]) -> impl Iterator<Item = &'a Token> {
        let same = move |window: &&[Token]| window.iter().zip(run).all(|(token, text)| token.text == *text);
        self.tokens.windows(run.len()).filter(same).map(|window| &window[0])
    }

    pub(super) fn has(&self, run: &[&str]) -> bool {
        self.occurrences(run).next().is_some()
    }

    fn read(path: String) -> Self {
        let text = std::fs::read_to_string(root().join(&path)).expect(&path);
        let stream = TokenStream::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut reading = Reading::default();
        reading.stream(stream);
        let module = path.trim_start_matches("src/").trim_end_matches(".rs").split('/').map(str::to_owned);
        let module =
            if path == "src/lib.rs" || path == "src/main.rs" { Vec::new() } else { module.collect() };
        let lines = text.lines().count() - reading.test_lines;
        Self { path, module, tokens: reading.tokens, lines, test_modules: reading.test_modules }
    }
}

/// Every file of `src` that is part of the program, sorted by path.
pub(super) fn all() -> Vec<Source> {
    let rust = |path: &String| path.rsplit('.').next() == Some("rs");
    let sources: Vec<Source> = files("src").into_iter().filter(rust).map(Source::read).collect();
    let test_only: BTreeSet<Vec<String>> = sources
        .iter()
        .flat_map(|source| {
            source
                .test_modules
                .iter()
                .map(|name| [source.module.as_slice(), std::slice::from_ref(name)].concat())
        })
        .collect();
    let is_test = |source: &Source| test_only.iter().any(|module| source.module.starts_with(module));
    sources.into_iter().filter(|source| !is_test(source)).collect()
}

#[derive(Default)]
struct Reading {
    tokens: Vec<Token>,
    test_lines: usize,
    test_modules: Vec<String>,
}

impl Reading {
    fn stream(&mut self, stream: TokenStream) {
        let trees: Vec<TokenTree> = stream.into_iter().collect();
        let mut at = 0;
        while at < trees.len() {
            if is_test_attribute(&trees[at..]) {
                let end = item_end(&trees, at + 2);
                self.skip(&trees[at..end]);
                at = end;
                continue;
            }
            if is_path_separator(&trees[at..]) {
                self.push("::", trees[at].span().start().line);
                at += 2;
                continue;
            }
            self.tree(&trees[at]);
            at += 1;
        }
    }

    fn tree(&mut self, tree: &TokenTree) {
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                self.push(open, group.span_open().start().line);
                self.stream(group.stream());
                self.push(close, group.span_close().start().line);
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {
                self.push(&tree.to_string(), tree.span().start().line);
            }
        }
    }

    fn push(&mut self, text: &str, line: usize) {
        self.tokens.push(Token { text: text.to_owned(), line });
    }

    fn skip(&mut self, item: &[TokenTree]) {
        let (first, last) = (item.first().expect("an attribute"), item.last().expect("an item"));
        self.test_lines += last.span().end().line - first.span().start().line + 1;
        let words: Vec<String> = item.iter().map(ToString::to_string).collect();
        if let Some([_, name, end]) = words.windows(3).find(|window| window[0] == "mod")
            && end == ";"
        {
            self.test_modules.push(name.clone());
        }
    }
}

/// `#[cfg(test)]`, also with further conditions.
fn is_test_attribute(trees: &[TokenTree]) -> bool {
    let [TokenTree::Punct(hash), TokenTree::Group(attribute), ..] = trees else { return false };
    let text: String = attribute.stream().to_string().split_whitespace().collect();
    hash.as_char() == '#' && (text == "cfg(test)" || text.starts_with("cfg(all(test,"))
}

/// `::` is one token of ours and two of the lexer's.
fn is_path_separator(trees: &[TokenTree]) -> bool {
    let [TokenTree::Punct(first), TokenTree::Punct(second), ..] = trees else { return false };
    first.as_char() == ':' && first.spacing() == Spacing::Joint && second.as_char() == ':'
}

/// Behind the item that starts at `at`: its block or its semicolon.
fn item_end(trees: &[TokenTree], at: usize) -> usize {
    let is_semicolon = |tree: &TokenTree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ';');
    let is_block =
        |tree: &TokenTree| matches!(tree, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    let statement = trees[at..]
        .iter()
        .find_map(|tree| match tree {
            TokenTree::Ident(word) => Some(word.to_string()),
            _ => None,
        })
        .is_some_and(|word| matches!(word.as_str(), "use" | "const" | "static" | "type"));
    let end = trees[at..].iter().position(|tree| is_semicolon(tree) || (!statement && is_block(tree)));
    end.map_or(trees.len(), |end| at + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(text: &str) -> Reading {
        let mut reading = Reading::default();
        reading.stream(TokenStream::from_str(text).expect("tokens"));
        reading
    }

    fn words(text: &str) -> String {
        reading(text).tokens.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_strings_and_test_code_are_not_read() {
        assert_eq!(words("fn a() { b::c(); } // crate::d"), "fn a ( ) { b :: c ( ) ; }");
        assert_eq!(words("#[cfg(test)]\nmod tests { use crate::d; }\nuse crate::e;"), "use crate :: e ;");
        assert_eq!(words("#[cfg(test)]\nuse crate::{d, e};\nfn f() {}"), "fn f ( ) { }");
        assert_eq!(words("let a: [u8; 3] = \"crate::d\";"), "let a : [ u8 ; 3 ] = \"crate::d\" ;");
    }

    #[test]
    fn a_module_for_tests_is_remembered_and_its_lines_are_counted() {
        let reading = reading("fn a() {}\n\n#[cfg(test)]\nmod fixtures;\n#[cfg(test)]\nmod tests {\n}\n");
        assert_eq!(reading.test_modules, ["fixtures"]);
        assert_eq!(reading.test_lines, 2 + 3);
    }
}
