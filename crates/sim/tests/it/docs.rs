use std::path::Path;

use ringback_sim::caller::script::parse;
use ringback_sim::providers::Script;

#[test]
fn the_documented_scripts_are_scripts() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let page = std::fs::read_to_string(docs.join("telephone.md")).unwrap();
    let example = page.split("```toml\n").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    assert_eq!(parse(example, &docs).unwrap().steps.len(), 8);
    let path = docs.join("examples/survey.toml");
    parse(&std::fs::read_to_string(&path).unwrap(), &path).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let steps: Vec<&str> = rows.map(|row| row.split("` |").next().unwrap()).collect();
    assert_eq!(steps.len(), 12);
    for step in steps {
        parse(&format!("[[step]]\n{step}\n"), &docs).unwrap();
    }
}

#[test]
fn the_documented_script_of_the_providers_is_one() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let page = std::fs::read_to_string(docs.join("simulator.md")).unwrap();
    let example = page.split("```toml\n").nth(1).unwrap();
    let script = Script::parse(example.split("```").next().unwrap()).unwrap();
    assert_eq!((script.heard.len(), script.replies.len()), (1, 3));
}
