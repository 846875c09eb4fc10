//! What the pure crates must not know: clocks, tasks, the environment, unordered collections, files, sockets; and
//! the one clock that nobody who serves calls may wait by.

use syn::UseTree;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::{Breach, Source};

const PURE: [&str; 3] = ["audio", "call", "wire"];

const WORDS: [(&str, &str); 8] = [
    ("tokio", "no runtime"),
    ("async", "nothing waits here"),
    ("await", "nothing waits here"),
    ("Instant", "time is an argument"),
    ("SystemTime", "time is an argument"),
    ("HashMap", "its order is random: take BTreeMap"),
    ("HashSet", "its order is random: take BTreeSet"),
    ("RandomState", "nothing is random here"),
];

const STD_MODULES: [&str; 5] = ["env", "fs", "net", "process", "thread"];

/// Impurities in the code of `audio`, `call` and `wire`; their tests are free.
#[must_use]
pub fn impurities(sources: &[Source]) -> Vec<Breach> {
    let pure = sources.iter().filter(|source| {
        source
            .package()
            .is_some_and(|package| PURE.contains(&package))
    });
    let mut breaches = Vec::new();
    for source in pure.filter(|source| !source.is_test()) {
        let mut found = Vec::new();
        for (word, why) in WORDS {
            found.extend(
                source
                    .occurrences(&[word])
                    .map(|line| (line, format!("{word}: {why}"))),
            );
        }
        for module in STD_MODULES {
            let why = format!("std::{module}: no input and output but generic Read, Write, Seek");
            found.extend(
                source
                    .occurrences(&["std", ":", ":", module])
                    .map(|line| (line, why.clone())),
            );
        }
        let mut imports = Imports(&mut found);
        imports.visit_file(source.file());
        found.sort();
        found.dedup();
        let code = found
            .into_iter()
            .filter(|(line, _)| !source.is_test_line(*line));
        breaches.extend(code.map(|(line, why)| Breach::new("purity", source.path(), line, why)));
    }
    breaches
}

/// The time of day where people are served, except in tests: whoever sets the clock must not move a call's bounds. What only
/// names the time, in a file or in a signature, is an exception.
#[must_use]
pub fn times_of_day(sources: &[Source]) -> Vec<Breach> {
    const SERVING: [&str; 4] = ["ringback", "server", "session", "speech"];
    const CLOCKS: [&str; 3] = ["SystemTime", "Timestamp", "Zoned"];
    let serving = sources.iter().filter(|source| {
        source
            .package()
            .is_some_and(|package| SERVING.contains(&package))
    });
    let mut breaches = Vec::new();
    for source in serving.filter(|source| !source.is_test()) {
        for clock in CLOCKS {
            let asked = [clock, ":", ":", "now"];
            let lines = source.occurrences(&asked);
            let lines = lines.filter(|line| !source.is_test_line(*line));
            let why =
                format!("{clock}::now steps when the clock is set: wait and measure by Instant");
            breaches
                .extend(lines.map(|line| Breach::new("clocks", source.path(), line, why.as_str())));
        }
    }
    breaches
}

/// Finds `use std::{env, ..}`, which the tokens do not show as a path.
struct Imports<'a>(&'a mut Vec<(usize, String)>);

impl<'ast> Visit<'ast> for Imports<'_> {
    fn visit_use_path(&mut self, path: &'ast syn::UsePath) {
        if path.ident == "std"
            && let UseTree::Group(group) = &*path.tree
        {
            for tree in &group.items {
                let name = match tree {
                    UseTree::Path(path) => &path.ident,
                    UseTree::Name(name) => &name.ident,
                    UseTree::Rename(rename) => &rename.ident,
                    UseTree::Glob(_) | UseTree::Group(_) => continue,
                };
                if STD_MODULES.iter().any(|module| name == module) {
                    let why =
                        format!("std::{name}: no input and output but generic Read, Write, Seek");
                    self.0.push((tree.span().start().line, why));
                }
            }
        }
        visit::visit_use_path(self, path);
    }
}
