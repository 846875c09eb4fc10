//! Words that must not stand in the tree, and those with which a file must begin.

use crate::{Breach, Source, Tree};

/// What Cargo and npm write by themselves names registries.
const LOCK_FILES: [&str; 3] = ["Cargo.lock", "fuzz/Cargo.lock", "console/package-lock.json"];
/// This crate names what it looks for.
const OURSELVES: &str = "crates/tidy/";

/// Files and folders named after nothing in particular.
#[must_use]
pub fn names(tree: &Tree) -> Vec<Breach> {
    const EMPTY: [&str; 7] = [
        "util", "utils", "common", "helper", "helpers", "types", "misc",
    ];
    let rust = tree.paths().filter(|path| path.ends_with(".rs"));
    let empty = |path: &&str| {
        path.split('/')
            .any(|part| EMPTY.contains(&part.trim_end_matches(".rs")))
    };
    let why = "name the module for its subject";
    rust.filter(empty)
        .map(|path| Breach::new("names", path, 0, why))
        .collect()
}

/// Work left open: marks in any text, macros that stand for code, tests that do not run.
#[must_use]
pub fn unfinished(tree: &Tree, sources: &[Source]) -> Vec<Breach> {
    const MARKS: [&str; 3] = ["TODO", "FIXME", "XXX"];
    const CODE: [(&[&str], &str); 3] = [
        (&["todo", "!"], "todo!"),
        (&["unimplemented", "!"], "unimplemented!"),
        (&["#", "[", "ignore"], "#[ignore]"),
    ];
    let mut breaches = Vec::new();
    for (path, text) in tree
        .texts()
        .filter(|(path, _)| !path.starts_with(OURSELVES) && !LOCK_FILES.contains(path))
    {
        for (line, text) in numbered(text) {
            let marks = MARKS.iter().filter(|mark| has_word(text, mark));
            breaches.extend(marks.map(|mark| {
                Breach::new(
                    "unfinished",
                    path,
                    line,
                    format!("{mark}: finish it, or open an issue"),
                )
            }));
        }
    }
    for source in sources
        .iter()
        .filter(|source| !source.path().starts_with(OURSELVES))
    {
        for (tokens, name) in CODE {
            let lines = source.occurrences(tokens);
            breaches.extend(lines.map(|line| {
                Breach::new(
                    "unfinished",
                    source.path(),
                    line,
                    format!("{name} is no code"),
                )
            }));
        }
    }
    breaches
}

/// Vendors named in the crate `call`, even in comments.
#[must_use]
pub fn vendors(tree: &Tree) -> Vec<Breach> {
    const VENDORS: [&str; 6] = [
        "twilio",
        "deepgram",
        "openai",
        "cartesia",
        "elevenlabs",
        "pocketsphinx",
    ];
    let mut breaches = Vec::new();
    for (path, text) in tree
        .texts()
        .filter(|(path, _)| path.starts_with("crates/call/"))
    {
        for (line, text) in numbered(text) {
            let text = text.to_ascii_lowercase();
            let named = VENDORS.iter().filter(|vendor| text.contains(**vendor));
            breaches.extend(named.map(|vendor| {
                Breach::new("vendors", path, line, format!("the core knows no {vendor}"))
            }));
        }
    }
    breaches
}

/// Paths of the machine this was written on, and hosts of package registries.
#[must_use]
pub fn places(tree: &Tree) -> Vec<Breach> {
    const FOLDERS: [&str; 4] = ["/work", "/root", "/tmp", "/home"];
    const HOSTS: [&str; 8] = [
        "crates.io",
        "registry.npmjs.org",
        "npmjs.com",
        "registry.yarnpkg.com",
        "pypi.org",
        "files.pythonhosted.org",
        "proxy.golang.org",
        "rubygems.org",
    ];
    let mut breaches = Vec::new();
    for (path, text) in tree
        .texts()
        .filter(|(path, _)| !path.starts_with(OURSELVES) && !LOCK_FILES.contains(path))
    {
        for (line, text) in numbered(text) {
            let folders = FOLDERS.iter().filter(|folder| has_folder(text, folder));
            let hosts = HOSTS.iter().filter(|host| text.contains(**host));
            let found = folders.chain(hosts);
            breaches.extend(found.map(|place| {
                Breach::new(
                    "places",
                    path,
                    line,
                    format!("{place} exists on one machine only"),
                )
            }));
        }
    }
    breaches
}

/// Files of a crate that do not begin with what they are about.
#[must_use]
pub fn module_docs(sources: &[Source]) -> Vec<Breach> {
    let code = sources
        .iter()
        .filter(|source| source.package().is_some() && !source.is_test());
    let mute = code.filter(|source| !source.text().starts_with("//! "));
    let why = "begin the file with //! and what it is about";
    mute.map(|source| Breach::new("module-docs", source.path(), 1, why))
        .collect()
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
}

fn has_word(text: &str, word: &str) -> bool {
    let part = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

/// True if `text` has `folder` as the beginning of an absolute path: nothing of a path or URL stands before it, and
/// its name ends there.
fn has_folder(text: &str, folder: &str) -> bool {
    text.match_indices(folder).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + folder.len()..].chars().next();
        !before
            .is_some_and(|character| character.is_alphanumeric() || "/._-})>*~".contains(character))
            && !after
                .is_some_and(|character| character.is_alphanumeric() || "-_.".contains(character))
    })
}
