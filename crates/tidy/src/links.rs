//! Links of the documents to files of the repository.

use crate::{Breach, Tree};

/// Links, in the documents at the root and under `docs` and `crates`, to files that do not exist.
#[must_use]
pub fn broken(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (path, text) in tree.texts().filter(|(path, _)| path.ends_with(".md")) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut fenced = false;
        for (index, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            } else if !fenced {
                let missing = targets(line).filter(|target| !resolves(tree, folder, target));
                breaches.extend(missing.map(|target| {
                    Breach::new("links", path, index + 1, format!("{target} does not exist"))
                }));
            }
        }
    }
    breaches
}

/// The targets of `[text](target)` and `[label]: target` in a line.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let inline = line.match_indices("](").filter_map(|(at, opening)| {
        let rest = &line[at + opening.len()..];
        rest.split([')', ' ']).next()
    });
    let label = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]: "));
    inline.chain(label.and_then(|(_, target)| target.split(' ').next()))
}

fn resolves(tree: &Tree, folder: &str, target: &str) -> bool {
    let file = target
        .trim_matches(['<', '>'])
        .split('#')
        .next()
        .unwrap_or_default();
    if file.is_empty() || file.contains("://") || file.starts_with("mailto:") {
        return true;
    }
    let mut parts: Vec<_> = match file.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => folder.split('/').filter(|part| !part.is_empty()).collect(),
    };
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return false;
                }
            }
            _ => parts.push(part),
        }
    }
    tree.exists(&parts.join("/"))
}
