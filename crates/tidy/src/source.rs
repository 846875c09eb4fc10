//! One Rust file: its syntax, its tokens, which of its lines are code and which are test.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::{Attribute, Item};

use crate::Breach;

/// A word, sign or literal of the source, outside of comments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// As written; brackets are tokens of their own.
    pub text: String,
    /// Line, from 1.
    pub line: usize,
}

/// A Rust file that could be parsed.
pub struct Source {
    path: String,
    text: String,
    file: syn::File,
    tokens: Vec<Token>,
    code: BTreeSet<usize>,
    tests: Vec<RangeInclusive<usize>>,
    is_test: bool,
}

impl Source {
    /// Parses the file `path`.
    ///
    /// # Errors
    /// A breach with the place, if it is no Rust.
    pub fn parse(path: &str, text: &str) -> Result<Self, Breach> {
        let broken = |span: Span, why: String| Breach::new("rust", path, span.start().line, why);
        let file =
            syn::parse_file(text).map_err(|error| broken(error.span(), error.to_string()))?;
        let stream: TokenStream = text
            .parse()
            .map_err(|error: proc_macro2::LexError| broken(error.span(), error.to_string()))?;
        let lines: Vec<_> = text.lines().collect();
        let comment = |line: usize| {
            lines
                .get(line - 1)
                .is_some_and(|text| text.trim_start().starts_with("//"))
        };
        let (mut tokens, mut code) = (Vec::new(), BTreeSet::new());
        flatten(stream, &mut |text, span| {
            let (first, last) = (span.start().line, span.end().line);
            if !comment(first) {
                code.extend(first..=last);
                tokens.push(Token { text, line: first });
            }
        });
        let mut source = Self {
            is_test: path
                .split('/')
                .any(|part| matches!(part, "tests" | "benches")),
            path: path.to_owned(),
            text: text.to_owned(),
            file,
            tokens,
            code,
            tests: Vec::new(),
        };
        source.tests = test_ranges(&source.file.items);
        Ok(source)
    }

    /// Its path from the root.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The crate's folder under `crates`, such as `wire`; `None` outside of it.
    #[must_use]
    pub fn package(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its syntax tree.
    #[must_use]
    pub fn file(&self) -> &syn::File {
        &self.file
    }

    /// True for integration tests, benches, and modules that exist in tests only.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.is_test
    }

    pub(crate) fn mark_as_test(&mut self) {
        self.is_test = true;
    }

    /// True for a line that is compiled in tests only.
    #[must_use]
    pub fn is_test_line(&self, line: usize) -> bool {
        self.is_test || self.tests.iter().any(|range| range.contains(&line))
    }

    /// Its tokens without those of comments.
    #[must_use]
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The lines at which the tokens `words` follow one another.
    pub fn occurrences<'a>(&'a self, words: &'a [&str]) -> impl Iterator<Item = usize> {
        let windows = self.tokens.windows(words.len());
        let found = windows.filter(move |window| {
            window
                .iter()
                .zip(words)
                .all(|(token, word)| token.text == *word)
        });
        found.map(|window| window[0].line)
    }

    /// How many of `lines` are code: neither blank, nor comment, nor test.
    #[must_use]
    pub fn code_lines(&self, lines: RangeInclusive<usize>) -> usize {
        self.code
            .range(lines)
            .filter(|line| !self.is_test_line(**line))
            .count()
    }

    /// The modules in other files that this file declares for tests only, as paths without `.rs`.
    pub(crate) fn test_modules(&self) -> Vec<String> {
        let (folder, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let folder = match name {
            "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
            _ => format!("{folder}/{}", name.trim_end_matches(".rs")),
        };
        let outside = self.file.items.iter().filter_map(|item| match item {
            Item::Mod(module) if module.content.is_none() && is_test_only(&module.attrs) => {
                Some(&module.ident)
            }
            _ => None,
        });
        outside.map(|name| format!("{folder}/{name}")).collect()
    }
}

fn test_ranges(items: &[Item]) -> Vec<RangeInclusive<usize>> {
    let mut ranges = Vec::new();
    for item in items {
        let (attributes, inner) = match item {
            Item::Mod(module) => (
                &module.attrs,
                module.content.as_ref().map(|(_, items)| items),
            ),
            Item::Fn(function) => (&function.attrs, None),
            Item::Impl(block) => (&block.attrs, None),
            Item::Use(import) => (&import.attrs, None),
            Item::Struct(structure) => (&structure.attrs, None),
            Item::Const(constant) => (&constant.attrs, None),
            _ => continue,
        };
        if is_test_only(attributes) {
            let span = item.span();
            ranges.push(span.start().line..=span.end().line);
        } else if let Some(items) = inner {
            ranges.extend(test_ranges(items));
        }
    }
    ranges
}

fn is_test_only(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .any(|attribute| match attribute.meta.require_list() {
            Ok(list) if attribute.path().is_ident("cfg") => {
                let mut words = Vec::new();
                flatten(list.tokens.clone(), &mut |text, _| words.push(text));
                words.contains(&"test".to_owned()) && !words.contains(&"not".to_owned())
            }
            _ => attribute.path().is_ident("test"),
        })
}

fn flatten(stream: TokenStream, take: &mut dyn FnMut(String, Span)) {
    for tree in stream {
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                take(open.to_owned(), group.span_open());
                flatten(group.stream(), take);
                take(close.to_owned(), group.span_close());
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {
                take(tree.to_string(), tree.span())
            }
        }
    }
}
