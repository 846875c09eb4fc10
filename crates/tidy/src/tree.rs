//! The files of the repository, read once.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use crate::{Breach, Source};

/// Folders with what is built, downloaded or left over from running.
const NOT_OURS: [&str; 7] = [
    ".git",
    "target",
    "artifacts",
    "data",
    "logs",
    "node_modules",
    "dist",
];

/// Every file of the repository by its path from the root, with `/` between.
#[derive(Debug, Default)]
pub struct Tree {
    files: BTreeMap<String, Vec<u8>>,
}

impl Tree {
    /// Reads the folder `root`.
    ///
    /// # Errors
    /// If a folder or file cannot be read.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut tree = Self::default();
        tree.read_folder(root, "")?;
        Ok(tree)
    }

    fn read_folder(&mut self, folder: &Path, prefix: &str) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            if kind.is_dir() && !NOT_OURS.contains(&name.as_str()) {
                self.read_folder(&entry.path(), &format!("{path}/"))?;
            } else if kind.is_file() && name != ".env" {
                match fs::read(entry.path()) {
                    Ok(content) => drop(self.files.insert(path, content)),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// A made-up tree.
    #[must_use]
    pub fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter();
        Self {
            files: files
                .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
                .collect(),
        }
    }

    /// Every path.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// True for a file, and for a folder with files in it.
    #[must_use]
    pub fn exists(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty()
            || self.files.contains_key(path)
            || self.paths().any(|other| other.starts_with(&folder))
    }

    /// The files that are UTF-8, and their text.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        let files = self.files.iter();
        files
            .filter_map(|(path, content)| Some((path.as_str(), std::str::from_utf8(content).ok()?)))
    }

    /// The Rust files; those that are no Rust come as breaches.
    #[must_use]
    pub fn sources(&self) -> (Vec<Source>, Vec<Breach>) {
        let (mut sources, mut broken) = (Vec::new(), Vec::new());
        for (path, text) in self.texts().filter(|(path, _)| path.ends_with(".rs")) {
            match Source::parse(path, text) {
                Ok(source) => sources.push(source),
                Err(breach) => broken.push(breach),
            }
        }
        let modules: Vec<_> = sources.iter().flat_map(Source::test_modules).collect();
        for source in &mut sources {
            let inside = |module: &String| {
                source.path() == format!("{module}.rs")
                    || source.path().starts_with(&format!("{module}/"))
            };
            if modules.iter().any(inside) {
                source.mark_as_test();
            }
        }
        (sources, broken)
    }
}
