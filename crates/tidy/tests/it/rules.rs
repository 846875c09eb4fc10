//! Every rule finds what breaks it, and nothing else.

use std::fmt::Write as _;

use ringback_tidy::{Breach, Source, Tree, budgets, licences, links, purity, settle, walls, words};

fn sources(files: &[(&str, &str)]) -> Vec<Source> {
    let (sources, broken) = Tree::of(files).sources();
    assert_eq!(broken, []);
    sources
}

fn places(breaches: &[Breach]) -> Vec<String> {
    breaches
        .iter()
        .map(|breach| format!("{}:{}", breach.path, breach.line))
        .collect()
}

fn whys(breaches: &[Breach]) -> Vec<&str> {
    breaches.iter().map(|breach| breach.why.as_str()).collect()
}

fn lines(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, index| {
        let _ = writeln!(text, "const A{index}: u8 = 0;");
        text
    })
}

#[test]
fn lines_of_code_are_counted_without_comments_blanks_and_tests() {
    let code = format!(
        "//! doc\n\n/// doc\n// note\n/* block\n block */\n{}",
        lines(400)
    );
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", lines(300));
    let files = [
        ("crates/a/src/lib.rs", format!("{code}{tests}")),
        ("crates/a/src/b.rs", format!("{code}const B: u8 = 0;\n")),
    ];
    let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
    let breaches = budgets::file_lines(&sources(&files));
    assert_eq!(places(&breaches), ["crates/a/src/b.rs:0"]);
    assert_eq!(
        whys(&breaches),
        ["401 lines of code, at most 400: split it by subject"]
    );
}

#[test]
fn a_string_of_many_lines_is_many_lines_of_code() {
    let code = format!("const A: &str = \"{}\";\n", "x\n".repeat(400));
    assert_eq!(
        budgets::file_lines(&sources(&[("crates/a/src/lib.rs", &code)])).len(),
        1
    );
}

#[test]
fn tests_in_files_of_their_own_have_no_budget() {
    let long = lines(401);
    let files = [
        ("crates/a/tests/it/main.rs", long.as_str()),
        ("crates/a/benches/x.rs", &long),
        ("crates/a/src/lib.rs", "#[cfg(test)]\nmod tests;\nmod b;"),
        ("crates/a/src/tests.rs", &long),
        ("crates/a/src/tests/more.rs", &long),
        (
            "crates/a/src/b.rs",
            "#[cfg(all(test, unix))]\nmod deep;\n#[cfg(not(test))]\nmod real;",
        ),
        ("crates/a/src/b/deep.rs", &long),
        ("crates/a/src/b/real.rs", &long),
    ];
    assert_eq!(
        places(&budgets::file_lines(&sources(&files))),
        ["crates/a/src/b/real.rs:0"]
    );
}

#[test]
fn long_functions_are_found_wherever_they_are() {
    let body = |count: usize| "let _ = 1;\n\n// note\n".repeat(count);
    let (fits, long) = (body(58), body(59));
    let text = format!(
        "fn fits() {{\n{fits}}}\nfn long() {{\n{long}}}\nstruct S;\nimpl S {{\nfn method(&self) {{\n{long}}}\n}}\n#[cfg(test)]\nmod tests {{\nfn t() {{\n{long}}}\n}}\n#[test]\nfn u() {{\n{long}}}\n"
    );
    let breaches = budgets::items(
        "function-lines",
        &sources(&[("crates/a/src/lib.rs", &text)]),
    );
    assert_eq!(
        whys(&breaches),
        [
            "long has 61 lines of code, at most 60",
            "S::method has 61 lines of code, at most 60"
        ]
    );
}

#[test]
fn only_constructors_have_a_budget_of_arguments() {
    let arguments = |count: usize| {
        (0..count)
            .map(|index| format!("a{index}: u8"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (six, seven) = (arguments(6), arguments(7));
    let text = format!(
        "struct S; impl S {{ fn new({six}) {{}} fn with_x({seven}) {{}} fn open({seven}) -> Result<Self, u8> {{ todo() }}
        fn other({seven}) -> u8 {{ 0 }} fn create_y({seven}) {{}} fn with_method(self, {six}) -> Self {{ self }} }} fn new({seven}) {{}}"
    );
    let breaches = budgets::items(
        "constructor-arguments",
        &sources(&[("crates/a/src/lib.rs", &text)]),
    );
    assert_eq!(
        breaches
            .iter()
            .map(|breach| breach.item.as_deref().unwrap())
            .collect::<Vec<_>>(),
        ["S::with_x", "S::open", "S::create_y"]
    );
}

#[test]
fn structs_and_the_calls_enums_have_budgets() {
    let list = |count: usize, of: &str| {
        (0..count)
            .map(|index| format!("{of}{index}"))
            .collect::<Vec<_>>()
    };
    let fields = |count: usize| {
        list(count, "f")
            .iter()
            .map(|name| format!("{name}: u8,"))
            .collect::<String>()
    };
    let text = format!(
        "struct Fits {{ {} }} struct Large {{ {} }} enum E {{ V {{ {} }} }} enum Event {{ {} }} enum Action {{ {} }}",
        fields(15),
        fields(16),
        fields(16),
        list(25, "V").join(","),
        list(24, "V").join(",")
    );
    let files = [
        ("crates/call/src/lib.rs", text.as_str()),
        ("crates/wire/src/lib.rs", &text),
    ];
    let structs = budgets::items("struct-fields", &sources(&files));
    assert_eq!(
        structs
            .iter()
            .filter(|breach| breach.path.contains("call"))
            .count(),
        2
    );
    let variants = budgets::items("call-variants", &sources(&files));
    assert_eq!(whys(&variants), ["Event has 25 variants, at most 24"]);
    assert_eq!(variants[0].path, "crates/call/src/lib.rs");
}

#[test]
fn a_dependency_the_architecture_forbids_is_named() {
    let tree = Tree::of(&[
        (
            "crates/wire/Cargo.toml",
            "[dependencies]\nserde = \"1\"\nringback-call = { workspace = true }\n[dev-dependencies]\nringback-audio = { workspace = true }\n",
        ),
        (
            "crates/sim/Cargo.toml",
            "[dependencies]\nringback-wire = { workspace = true }\n[target.'cfg(unix)'.dependencies]\nx = { package = \"ringback-server\", path = \"../server\" }\n[build-dependencies]\nringback = { workspace = true }\n",
        ),
        (
            "crates/session/Cargo.toml",
            "[dependencies]\nringback-call = { workspace = true }\nringback-speech = { workspace = true }\n",
        ),
        ("crates/store/Cargo.toml", "[dependencies]\n"),
        ("crates/extra/Cargo.toml", "[dependencies]\n"),
        ("crates/audio/Cargo.toml", "["),
    ]);
    let mut breaches = walls::dependencies(&tree);
    breaches.sort();
    assert_eq!(
        breaches
            .iter()
            .map(|breach| (breach.path.as_str(), breach.line))
            .collect::<Vec<_>>(),
        [
            ("crates/audio/Cargo.toml", 0),
            ("crates/extra/Cargo.toml", 0),
            ("crates/sim/Cargo.toml", 4),
            ("crates/sim/Cargo.toml", 6),
            ("crates/wire/Cargo.toml", 3),
        ]
    );
    assert_eq!(breaches[4].why, "wire must not depend on call");
}

#[test]
fn the_simulator_and_unsafe_are_kept_in_their_places() {
    let text = "//! ringback_sim and unsafe in a comment\nfn f() { ringback_sim::run(); \"unsafe\"; }\n#[allow(unsafe_code)] fn g() { unsafe { h() } }\n";
    let files = [
        ("crates/server/src/main.rs", text),
        ("crates/server/src/app.rs", text),
        ("crates/server/tests/it/main.rs", text),
        ("crates/sim/src/lib.rs", text),
        ("crates/pocketsphinx/src/lib.rs", text),
    ];
    let sources = sources(&files);
    assert_eq!(
        places(&walls::simulator(&sources)),
        [
            "crates/pocketsphinx/src/lib.rs:2",
            "crates/server/src/app.rs:2"
        ]
    );
    let unsafe_files: Vec<_> = walls::unsafety(&sources)
        .into_iter()
        .map(|breach| breach.path)
        .collect();
    assert_eq!(
        unsafe_files
            .iter()
            .filter(|path| path.contains("pocketsphinx"))
            .count(),
        0
    );
    assert_eq!(unsafe_files.len(), 2 * 4);
}

#[test]
fn impurities_are_found_in_code_but_not_in_tests() {
    let text = "//! HashMap\nuse std::{collections::BTreeMap, env, fs as files};\nuse std::collections::HashMap;\nasync fn f() {}\nfn g() -> u64 { std::time::Instant::now(); std::thread::sleep(d); env!(\"X\").len() }\n#[cfg(test)]\nmod tests { use std::collections::HashSet; use std::{env}; }\n";
    let breaches = purity::impurities(&sources(&[
        ("crates/call/src/lib.rs", text),
        ("crates/session/src/lib.rs", text),
        ("crates/call/tests/it/main.rs", text),
    ]));
    assert!(
        breaches
            .iter()
            .all(|breach| breach.path == "crates/call/src/lib.rs")
    );
    assert_eq!(
        breaches
            .iter()
            .map(|breach| breach.line)
            .collect::<Vec<_>>(),
        [2, 2, 3, 4, 5, 5]
    );
}

#[test]
fn clocks_that_can_be_set_are_found_where_calls_are_served_but_not_in_tests() {
    let text = "use std::time::SystemTime;\nfn f(at: SystemTime) -> SystemTime { SystemTime::now() }\nfn g() { jiff::Timestamp::now(); Instant::now(); }\n#[cfg(test)]\nmod tests { fn h() { SystemTime::now(); } }\n";
    let breaches = purity::times_of_day(&sources(&[
        ("crates/session/src/lib.rs", text),
        ("crates/sim/src/lib.rs", text),
        ("crates/server/tests/it/main.rs", text),
    ]));
    assert_eq!(
        places(&breaches),
        ["crates/session/src/lib.rs:2", "crates/session/src/lib.rs:3"]
    );
}

#[test]
fn files_named_after_nothing_are_found() {
    let tree = Tree::of(&[
        ("crates/a/src/utils.rs", ""),
        ("crates/a/src/helpers/x.rs", ""),
        ("crates/a/src/types_of_calls.rs", ""),
        ("docs/common/x.md", ""),
    ]);
    assert_eq!(
        places(&words::names(&tree)),
        ["crates/a/src/helpers/x.rs:0", "crates/a/src/utils.rs:0"]
    );
}

#[test]
fn unfinished_work_is_found() {
    let tree = Tree::of(&[
        (
            "docs/a.md",
            "fine\nTODO: write\nTODOS and aFIXMEb are words\n",
        ),
        (
            "crates/a/src/lib.rs",
            "// FIXME later\nfn f() { todo!() }\nfn g() { unimplemented!() }\n#[ignore]\n#[test]\nfn t() {}\nfn todo() {}\n",
        ),
    ]);
    let sources = tree.sources().0;
    let mut found = places(&words::unfinished(&tree, &sources));
    found.sort();
    let expected = [
        "crates/a/src/lib.rs:1",
        "crates/a/src/lib.rs:2",
        "crates/a/src/lib.rs:3",
        "crates/a/src/lib.rs:4",
        "docs/a.md:2",
    ];
    assert_eq!(found, expected);
}

#[test]
fn vendors_are_found_in_the_core_even_in_comments() {
    let tree = Tree::of(&[
        ("crates/call/src/lib.rs", "// as Twilio does\n"),
        ("crates/wire/src/lib.rs", "// as Twilio does\n"),
    ]);
    assert_eq!(places(&words::vendors(&tree)), ["crates/call/src/lib.rs:1"]);
}

#[test]
fn paths_of_one_machine_are_found_and_others_are_not() {
    let bad = "see /work/x\ncd /tmp\n\"/root/.cargo\"\n(/home/me)\nfrom https://crates.io/x\n";
    let good =
        "docs/work/x\nhttps://a.test/root/x\n/workspace and /tmpfs\n$HOME/tmp\n/rooted\n<a>/tmp\n";
    let tree = Tree::of(&[
        ("docs/bad.md", bad),
        ("docs/good.md", good),
        ("Cargo.lock", bad),
    ]);
    assert_eq!(
        places(&words::places(&tree)),
        (1..=5)
            .map(|line| format!("docs/bad.md:{line}"))
            .collect::<Vec<_>>()
    );
}

#[test]
fn a_file_without_its_subject_is_found() {
    let files = [
        ("crates/a/src/lib.rs", "//! a\n"),
        ("crates/a/src/b.rs", "use x;\n"),
        ("crates/a/tests/it/c.rs", "use x;\n"),
    ];
    assert_eq!(
        places(&words::module_docs(&sources(&files))),
        ["crates/a/src/b.rs:1"]
    );
}

#[test]
fn links_to_nothing_are_found() {
    let text = "[a](docs/a.md) [b](docs/none.md#x) [c](https://a.test) [d](#here) [e](docs/) [f](docs/a.md \"title\")\n```\n[g](none)\n```\n[h]: gone.md\n";
    let deep = "[up](../README.md) [out](../../x) [root](/docs/a.md) ![i](i.png)\n";
    let tree = Tree::of(&[("README.md", text), ("docs/a.md", deep)]);
    assert_eq!(
        whys(&links::broken(&tree)),
        [
            "docs/none.md#x does not exist",
            "gone.md does not exist",
            "../../x does not exist",
            "i.png does not exist"
        ]
    );
}

#[test]
fn licences_and_banned_packages_are_found() {
    let packages = "free v1.0.0|MIT/Apache-2.0\nboth v1.0.0|(MIT OR GPL-3.0-only) AND Unicode-3.0\n\
        free v1.0.0|MIT/Apache-2.0\nours v0.1.0 (a folder)|MIT\nmacros v1.0.0 (proc-macro)|MIT\n\
        with v1.0.0|Apache-2.0 WITH LLVM-exception\nviral v1.0.0|GPL-3.0-only\nviral v1.0.0|GPL-3.0-only\n\
        part v1.0.0|MIT AND AGPL-3.0-only\nnone v1.0.0|\nring v0.17.0|Apache-2.0 AND ISC\n";
    let breaches = licences::refused(packages);
    let names: Vec<_> = breaches
        .iter()
        .filter_map(|breach| breach.item.as_deref())
        .collect();
    assert_eq!(names, ["none", "part", "ring", "viral"]);
}

#[test]
fn a_file_that_is_no_rust_is_named_with_its_line() {
    let broken = Tree::of(&[("crates/a/src/lib.rs", "fn f() {}\nfn {\n")])
        .sources()
        .1;
    assert_eq!(places(&broken), ["crates/a/src/lib.rs:2"]);
}

#[test]
fn an_exception_must_be_needed_and_have_a_reason() {
    let breaches = || {
        vec![
            Breach::new("file-lines", "a.rs", 0, "long").measured(None, 450),
            Breach::new("file-lines", "b.rs", 7, "long").measured(Some("f"), 70),
        ]
    };
    let settled = |exceptions: &str| {
        settle("file-lines", breaches(), exceptions)
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        settled("# a comment\n\nother-rule a.rs 1 for another rule\n").len(),
        2
    );
    assert_eq!(
        settled(
            "file-lines a.rs 450 one table, read at once\nfile-lines b.rs::f 70 one table, read at once\n"
        ),
        [""; 0]
    );
    let left = settled(
        "file-lines a.rs 449 one table, read at once\nfile-lines b.rs::f 70 one table, read at once\n",
    );
    assert_eq!(
        left,
        [
            "a.rs:0: file-lines: long",
            "crates/tidy/exceptions.txt:1: file-lines: this exception allows nothing; remove it, or raise its limit"
        ]
    );
    let left = settled("file-lines a.rs 450 because\nfile-lines b.rs::f 70\n");
    assert_eq!(left.len(), 3);
    assert!(
        left[2].ends_with("limit or -, reason") && left[1].ends_with("says nothing"),
        "{left:?}"
    );
}
