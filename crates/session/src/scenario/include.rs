//! Scripts that stand in a file of their own, beside the scenario.

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

/// The text of a file that is not too large.
pub(super) fn read_bounded(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|e| e.to_string())?.len();
    if size > MAX_FILE_BYTES {
        return Err(format!(
            "the file has {size} bytes, more than {MAX_FILE_BYTES}"
        ));
    }
    std::fs::read_to_string(path).map_err(|e| e.to_string())
}
