//! This repository keeps its own rules. Few tests, because reading the whole tree is what takes the time.

use std::path::{Path, PathBuf};
use std::process::Command;

use ringback_tidy::{Breach, Tree, budgets, licences, links, purity, settle, walls, words};

const EXCEPTIONS: &str = include_str!("../../exceptions.txt");
const RULES: [&str; 18] = [
    "rust",
    "file-lines",
    "function-lines",
    "constructor-arguments",
    "struct-fields",
    "call-variants",
    "walls",
    "simulator",
    "unsafe",
    "purity",
    "clocks",
    "names",
    "unfinished",
    "vendors",
    "places",
    "module-docs",
    "links",
    "licences",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn check(results: Vec<(&'static str, Vec<Breach>)>) {
    let mut left = Vec::new();
    for (rule, breaches) in results {
        assert!(RULES.contains(&rule), "{rule}");
        assert!(breaches.iter().all(|breach| breach.rule == rule), "{rule}");
        left.extend(settle(rule, breaches, EXCEPTIONS));
    }
    let lines: Vec<_> = left.iter().map(ToString::to_string).collect();
    assert!(left.is_empty(), "rules are broken:\n{}\n", lines.join("\n"));
}

#[test]
fn the_sources_keep_the_rules() {
    let tree = Tree::read(&root()).unwrap();
    let (sources, broken) = tree.sources();
    assert!(sources.len() > 50, "this is not the tree it should be");
    let items = |rule| (rule, budgets::items(rule, &sources));
    check(vec![
        ("rust", broken),
        ("file-lines", budgets::file_lines(&sources)),
        items("function-lines"),
        items("constructor-arguments"),
        items("struct-fields"),
        items("call-variants"),
        ("simulator", walls::simulator(&sources)),
        ("unsafe", walls::unsafety(&sources)),
        ("purity", purity::impurities(&sources)),
        ("clocks", purity::times_of_day(&sources)),
        ("unfinished", words::unfinished(&tree, &sources)),
        ("module-docs", words::module_docs(&sources)),
    ]);
}

#[test]
fn the_manifests_and_documents_keep_the_rules() {
    let tree = Tree::read(&root()).unwrap();
    for path in [
        "Cargo.toml",
        "crates/tidy/src/lib.rs",
        "crates/wire/src/lib.rs",
        "fuzz/Cargo.toml",
    ] {
        assert!(tree.exists(path), "{path}");
    }
    assert!(tree.paths().all(|path| !path.starts_with("target/")));
    check(vec![
        ("walls", walls::dependencies(&tree)),
        ("names", words::names(&tree)),
        ("vendors", words::vendors(&tree)),
        ("places", words::places(&tree)),
        ("links", links::broken(&tree)),
    ]);
}

#[test]
fn everything_we_build_on_may_be_built_on() {
    let arguments =
        "tree --offline --workspace --edges normal,build,dev --prefix none --no-dedupe --format";
    let cargo = Command::new(env!("CARGO"))
        .args(arguments.split(' '))
        .arg(licences::FORMAT)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        cargo.status.success(),
        "cargo tree: {}",
        String::from_utf8_lossy(&cargo.stderr)
    );
    let packages = String::from_utf8(cargo.stdout).unwrap();
    assert!(packages.contains("ringback-server v"), "{packages}");
    check(vec![("licences", licences::refused(&packages))]);
}

#[test]
fn every_exception_is_to_a_rule_that_exists() {
    let exceptions = EXCEPTIONS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in exceptions {
        assert!(
            line.split(' ')
                .next()
                .is_some_and(|rule| RULES.contains(&rule)),
            "{line}"
        );
    }
}
