//! All scenarios of a server: the built-in ones and those of its folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringback_speech::grammar::Dictionary;
use serde_json::Value;

use super::builtin::BUILT_IN;
use super::destination;
use super::include::read_bounded;
use super::language::DEFAULT;
use super::model::Scenario;
use super::problem::{Position, Problem, Warning};
use super::read::{Origin, parse};
use super::spelling::from_toml;

/// The scenarios of a server, by slug.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    scenarios: BTreeMap<String, Arc<Scenario>>,
    /// What the files say, by slug.
    documents: BTreeMap<String, Value>,
    refused: Vec<Refused>,
    warnings: Vec<Warning>,
}

/// A file that is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The file's name in its folder.
    pub file: String,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
    /// The line that it would answer; `None` where another file answers that.
    pub line: Option<Line>,
}

/// A scenario that cannot be read, as far as it says who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its name in addresses.
    pub slug: String,
    /// As `en-US`.
    pub language: String,
}

impl Catalog {
    /// The built-in scenarios alone.
    pub fn built_in() -> Self {
        let mut catalog = Self::default();
        for (slug, text) in BUILT_IN {
            catalog.add(slug, parse(text, &Origin::text(slug)));
        }
        catalog
    }

    /// The built-in scenarios and those of a folder's `*.toml` files, in the order of their names. A file with a problem is left
    /// out and named in [`Self::refused`]; the others are not affected. A file may take the slug of a built-in scenario, whose
    /// place it takes, with a problem too: callers of the file are not for the built-in one. Of two files with one slug the second is
    /// refused. A folder that does not exist is an empty one.
    pub fn load(folder: &Path) -> Self {
        let mut catalog = Self::built_in();
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        let paths = match toml_files(folder) {
            Ok(paths) => paths,
            Err(why) => {
                catalog.refuse(
                    &folder.to_string_lossy(),
                    format!("the folder cannot be read: {why}"),
                );
                return catalog;
            }
        };
        let dictionary = match paths.is_empty() {
            true => None,
            false => dictionary(),
        };
        for path in paths {
            let origin = Origin::file(&path);
            let file = origin.name().to_owned();
            let read = read_file(&path, dictionary.clone());
            let slug = read
                .as_ref()
                .ok()
                .map(|(scenario, _)| scenario.slug.clone());
            if let Some(slug) = slug {
                if let Some(first) = files.get(&slug) {
                    let what = format!("the slug \"{slug}\" is taken by {first}");
                    catalog.refuse(&file, what);
                    continue;
                }
                if catalog.scenarios.contains_key(&slug) {
                    catalog.warnings.push(Warning {
                        origin: file.clone(),
                        at: Position::START,
                        path: "slug".to_owned(),
                        what: format!("it takes the place of the built-in scenario \"{slug}\""),
                    });
                }
                let text = read_bounded(&path).unwrap_or_default();
                let document = from_toml(&text, &file).unwrap_or_default();
                catalog.documents.insert(slug.clone(), document);
                files.insert(slug, file.clone());
            }
            match read {
                Ok(read) => catalog.add(&file, Ok(read)),
                Err(problems) => catalog.refused.push(Refused {
                    line: Some(line(&path, &file)),
                    file,
                    problems,
                }),
            }
        }
        catalog.give_way(&files);
        for (slug, file) in &files {
            let absent = catalog.scenarios.get(slug).map(|s| catalog.absent(s, file));
            catalog.warnings.extend(absent.unwrap_or_default());
        }
        catalog
    }

    /// The destinations of a scenario that are scenarios which are not here, as warnings of this file.
    pub fn absent(&self, scenario: &Scenario, file: &str) -> Vec<Warning> {
        let named = destination::scenarios(scenario).into_iter();
        let absent = named.filter(|(_, slug)| !self.scenarios.contains_key(*slug));
        let warning = |(path, slug): (String, &str)| Warning {
            origin: file.to_owned(),
            at: Position::START,
            path,
            what: format!("there is no scenario \"{slug}\": no caller can be put through to it"),
        };
        absent.map(warning).collect()
    }

    /// Files with a problem answer no line that another file answers, and built-in scenarios none of theirs.
    fn give_way(&mut self, files: &BTreeMap<String, String>) {
        for refused in &mut self.refused {
            refused.line = (refused.line.take()).filter(|line| !files.contains_key(&line.slug));
            if let Some(line) = &refused.line {
                self.scenarios.remove(&line.slug);
            }
        }
    }

    fn add(&mut self, file: &str, read: Result<(Scenario, Vec<Warning>), Vec<Problem>>) {
        match read {
            Ok((scenario, warnings)) => {
                self.warnings.extend(warnings);
                self.scenarios
                    .insert(scenario.slug.clone(), Arc::new(scenario));
            }
            Err(problems) => self.refused.push(Refused {
                file: file.to_owned(),
                problems,
                line: None,
            }),
        }
    }

    fn refuse(&mut self, file: &str, what: String) {
        let problem = Problem {
            origin: file.to_owned(),
            at: Position::START,
            path: String::new(),
            what,
            remedy: "correct or remove it".to_owned(),
        };
        self.refused.push(Refused {
            file: file.to_owned(),
            problems: vec![problem],
            line: None,
        });
    }

    /// The scenario of this id or slug, which are the same for built-in ones and for files.
    pub fn scenario(&self, id_or_slug: &str) -> Option<&Arc<Scenario>> {
        self.scenarios.get(id_or_slug)
    }

    /// What the file of this slug says; `None` for built-in scenarios.
    pub fn document(&self, slug: &str) -> Option<&Value> {
        self.documents.get(slug)
    }

    /// All scenarios, by slug.
    pub fn scenarios(&self) -> impl Iterator<Item = &Arc<Scenario>> {
        self.scenarios.values()
    }

    /// The files that are not used, and why.
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }

    /// The file that would answer this line and is not used.
    pub fn refused_line(&self, slug: &str) -> Option<(&Refused, &Line)> {
        let lines = self
            .refused
            .iter()
            .filter_map(|refused| Some((refused, refused.line.as_ref()?)));
        lines.into_iter().find(|(_, line)| line.slug == slug)
    }

    /// Whether a line is a built-in scenario's or a file's, be it one that is not used.
    pub fn has(&self, slug: &str) -> bool {
        self.scenarios.contains_key(slug) || self.refused_line(slug).is_some()
    }

    /// What the loaded scenarios' authors should know.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

/// Reads and checks one file, as `ringback scenario check` does. Where the local recogniser is installed, words that it does not
/// know are warned of.
///
/// # Errors
/// Every problem of the file; one that says so where it cannot be read.
pub fn check_file(path: &Path) -> Result<(Scenario, Vec<Warning>), Vec<Problem>> {
    read_file(path, dictionary())
}

/// The local recogniser's words; without that recogniser there is nothing to check.
fn dictionary() -> Option<Arc<Dictionary>> {
    Dictionary::load_default().ok().map(Arc::new)
}

fn read_file(
    path: &Path,
    dictionary: Option<Arc<Dictionary>>,
) -> Result<(Scenario, Vec<Warning>), Vec<Problem>> {
    let origin = Origin::file(path).heard_with(dictionary);
    match read_bounded(path) {
        Ok(text) => parse(&text, &origin),
        Err(why) => Err(vec![Problem {
            origin: origin.name().to_owned(),
            at: Position::START,
            path: String::new(),
            what: format!("the file cannot be read: {why}"),
            remedy: why.remedy().to_owned(),
        }]),
    }
}

/// The line of a file that cannot be read as a scenario: by what it says, where it is TOML, else by its name.
fn line(path: &Path, file: &str) -> Line {
    let text = read_bounded(path).unwrap_or_default();
    let document = from_toml(&text, file).unwrap_or_default();
    let said = |key: &str| document[key].as_str().map(str::to_owned);
    let stem = || {
        path.file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
    };
    Line {
        slug: said("slug").or_else(stem).unwrap_or_default(),
        language: said("language").unwrap_or_else(|| DEFAULT.to_owned()),
    }
}

fn toml_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "toml") && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
