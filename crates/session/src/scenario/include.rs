//! Scripts that stand in a file of their own, beside the scenario.

use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::document;
use super::field::Field;
use super::names::Names;
use super::problem::Findings;
use crate::responder::script::{self, Script};

/// The largest scenario or script, in bytes.
pub(super) const MAX_FILE_BYTES: u64 = 256 * 1024;

/// Where a scenario may take a script from.
#[derive(Clone, Debug)]
pub(super) struct Include {
    /// The scenario's folder; `None` for texts that are in no file.
    pub(super) folder: Option<PathBuf>,
}

impl Include {
    /// The script of a file in the scenario's folder, or in one below it.
    pub(super) fn script(
        &self,
        file: &str,
        field: &Field<'_>,
        names: &Names,
        findings: &mut Findings,
    ) -> Option<Arc<Script>> {
        let Some(folder) = &self.folder else {
            field.problem(
                findings,
                "a scenario without a file cannot name another",
                "put the script into it, as [script]",
            );
            return None;
        };
        let path = Path::new(file);
        if !path
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
        {
            field.problem(
                findings,
                format!("\"{file}\" leads out of the scenario's folder"),
                "name a file in it, without .. and without a leading /",
            );
            return None;
        }
        let text = match read_bounded(&folder.join(path)) {
            Ok(text) => text,
            Err(why) => {
                field.problem(
                    findings,
                    format!("\"{file}\": {why}"),
                    "name a file beside the scenario",
                );
                return None;
            }
        };
        let mut own = Findings::of(file);
        own.dictionary.clone_from(&findings.dictionary);
        own.language = findings.language;
        let node = document::from_toml(&text, &mut own);
        let script = node.and_then(|node| script::read(&Field::root(&node), names, &mut own));
        findings.problems.append(&mut own.problems);
        findings.warnings.append(&mut own.warnings);
        script.map(Arc::new)
    }
}

/// Why the text of a file is not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    #[error("it is no regular file")]
    NoFile,
    #[error("it has more than {} KB", MAX_FILE_BYTES / 1024)]
    Large,
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Unread {
    /// What to do.
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Self::NoFile => "name a file",
            Self::Large => "keep what is no scenario out of it",
            Self::Io(_) => "see that it exists, is readable and is text in UTF-8",
        }
    }
}

/// The text of a file that is not too large.
pub(super) fn read_bounded(path: &Path) -> Result<String, Unread> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(Unread::NoFile);
    }
    let mut text = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(Unread::Large);
    }
    Ok(io::read_to_string(text.as_slice())?)
}
