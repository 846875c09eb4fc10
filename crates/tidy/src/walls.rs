//! Which of our crates may use which, and who may write `unsafe`.

use toml::Table;

use crate::{Breach, Source, Tree};

/// Each crate and what it may depend on. `server` links `sim` for its `main.rs` alone, see [`simulator`].
const MAY_USE: [(&str, &[&str]); 11] = [
    ("audio", &[]),
    ("call", &[]),
    ("pocketsphinx", &[]),
    ("ringback", &["session", "call", "wire", "speech", "audio"]),
    (
        "server",
        &["session", "call", "wire", "audio", "store", "sim"],
    ),
    ("session", &["call", "wire", "speech", "audio"]),
    ("sim", &["wire", "speech", "audio"]),
    ("speech", &["audio", "pocketsphinx"]),
    ("store", &[]),
    ("tidy", &[]),
    ("wire", &[]),
];

/// Dependencies between our crates, build dependencies too, that the architecture does not allow. What only tests
/// use is free.
#[must_use]
pub fn dependencies(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (path, text) in tree.texts() {
        let Some(package) = path
            .strip_prefix("crates/")
            .and_then(|path| path.strip_suffix("/Cargo.toml"))
        else {
            continue;
        };
        let complain = |line, why: String| Breach::new("walls", path, line, why);
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == package) else {
            breaches.push(complain(
                0,
                format!("the crate {package} is not in the architecture"),
            ));
            continue;
        };
        let manifest: Table = match text.parse() {
            Ok(manifest) => manifest,
            Err(error) => {
                breaches.push(complain(0, format!("not TOML: {}", error.message())));
                continue;
            }
        };
        for (key, used) in ours(&manifest) {
            if !allowed.contains(&used.as_str()) {
                let declares = |line: &str| {
                    line.strip_prefix(&key)
                        .is_some_and(|rest| rest.starts_with([' ', '=', '.']))
                };
                let line = text.lines().position(declares);
                let why = format!("{package} must not depend on {used}");
                breaches.push(complain(line.map_or(0, |line| line + 1), why));
            }
        }
    }
    breaches
}

/// What a manifest depends on of ours: the key it is declared by, and its folder, `wire` for `ringback-wire`.
fn ours(manifest: &Table) -> Vec<(String, String)> {
    let targets = manifest
        .get("target")
        .and_then(|value| value.as_table())
        .into_iter();
    let targets = targets
        .flat_map(|table| table.values())
        .filter_map(|value| value.as_table());
    let sections = std::iter::once(manifest).chain(targets);
    let tables =
        sections.flat_map(|table| [table.get("dependencies"), table.get("build-dependencies")]);
    let mut names = Vec::new();
    for (name, value) in tables
        .flatten()
        .filter_map(|value| value.as_table())
        .flatten()
    {
        let package = value
            .get("package")
            .and_then(|value| value.as_str())
            .unwrap_or(name);
        match package.strip_prefix("ringback-") {
            Some(folder) => names.push((name.clone(), folder.to_owned())),
            None if package == "ringback" => names.push((name.clone(), "ringback".to_owned())),
            None => {}
        }
    }
    names
}

/// Mentions of the simulator outside of itself, of tests, and of the server's `main.rs`.
#[must_use]
pub fn simulator(sources: &[Source]) -> Vec<Breach> {
    let outside = sources.iter().filter(|source| {
        source.package() != Some("sim")
            && source.path() != "crates/server/src/main.rs"
            && !source.is_test()
    });
    let mentions = outside.flat_map(|source| {
        source
            .occurrences(&["ringback_sim"])
            .map(move |line| (source, line))
    });
    let why = "only crates/server/src/main.rs may use the simulator";
    mentions
        .map(|(source, line)| Breach::new("simulator", source.path(), line, why))
        .collect()
}

/// `unsafe`, or leave to write it, outside of `pocketsphinx`.
#[must_use]
pub fn unsafety(sources: &[Source]) -> Vec<Breach> {
    let outside = sources
        .iter()
        .filter(|source| source.package() != Some("pocketsphinx"));
    let tokens =
        outside.flat_map(|source| source.tokens().iter().map(move |token| (source, token)));
    let unsafe_ones =
        tokens.filter(|(_, token)| token.text == "unsafe" || token.text == "unsafe_code");
    let why = "unsafe belongs into crates/pocketsphinx alone";
    unsafe_ones
        .map(|(source, token)| Breach::new("unsafe", source.path(), token.line, why))
        .collect()
}
