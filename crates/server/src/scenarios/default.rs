//! The scenario that answers calls which name none.

use crate::app::Server;
use crate::config::ConfigError;

/// Whether it is there: built in, a file or, as the database `was_read` just now, kept there. Where the database does not answer it may
/// come yet, which is warned of.
///
/// # Errors
/// It is nowhere, or cannot be used for another reason than a secret that does not open.
pub fn check_default(app: &Server, was_read: bool) -> Result<(), ConfigError> {
    let (name, scenarios) = (&app.config.calls.default_scenario, &app.scenarios);
    if scenarios.find(name).is_some() {
        return Ok(());
    }
    if let Some((refused, _)) = scenarios.files.refused_line(name) {
        let why: Vec<String> = refused.problems.iter().map(ToString::to_string).collect();
        let why = why.join("; and ");
        let what = format!("DEFAULT_SCENARIO={name}: its file cannot be used: {why}");
        return Err(ConfigError(what));
    }
    if let Some(entry) = scenarios.entry(name) {
        let problems = entry.read.as_ref().err();
        let why = problems.and_then(|problems| problems.first());
        let why = why.map_or_else(String::new, ToString::to_string);
        let what = format!("DEFAULT_SCENARIO={name}: this scenario cannot be used: {why}");
        if entry.lost > 0 {
            // The key may be lost for good: all other lines ring, and this one apologises.
            tracing::error!("Error: {what}");
            return Ok(());
        }
        return Err(ConfigError(what));
    }
    if !was_read {
        tracing::warn!(
            "DEFAULT_SCENARIO={name} is neither built in nor a file, and the database does not answer: until it is found there, calls to POST / are \
             refused"
        );
        return Ok(());
    }
    let known = scenarios.files.scenarios();
    let known: Vec<&str> = known.map(|scenario| scenario.slug.as_str()).collect();
    Err(ConfigError(format!(
        "DEFAULT_SCENARIO={name}: there is no such scenario; there is: {}, and what users keep in the database",
        known.join(", ")
    )))
}
