//! Where settings come from: flags, environment, `.env`, `ringback.toml`, defaults, in this order.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use ringback_session::Secrets;

use super::variables::{self, LATER, Variable};
use super::{ConfigError, slips};

/// Texts by the name of their variable.
pub type Texts = BTreeMap<String, String>;

/// A place where a setting was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A flag of the command line.
    Flag,
    /// The environment.
    Environment,
    /// The file `.env`.
    DotEnv,
    /// The file `ringback.toml`.
    Toml,
    /// The table of variables.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Origin::Flag => "command line",
            Origin::Environment => "environment",
            Origin::DotEnv => ".env",
            Origin::Toml => "ringback.toml",
            Origin::Default => "default",
        })
    }
}

/// All that was set, layer by layer. An empty text counts as not set.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// Flags of the command line.
    pub flags: Texts,
    /// The environment.
    pub environment: Texts,
    /// The file `.env`.
    pub dotenv: Texts,
    /// The file `ringback.toml`, keys in upper case.
    pub toml: Texts,
}

/// A text and where it came from.
#[derive(Clone, Debug)]
pub struct Found {
    /// The text.
    pub text: String,
    /// Its place.
    pub origin: Origin,
}

/// A name that no setting has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strange {
    /// The name.
    pub name: String,
    /// Where it was set.
    pub origin: Origin,
    /// The setting that was probably meant.
    pub meant: Option<&'static str>,
}

impl fmt::Display for Strange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, origin, .. } = self;
        match self.meant {
            Some(meant) => write!(
                f,
                "{name} ({origin}) is not a setting: did you mean {meant}?"
            ),
            None => write!(
                f,
                "{name} ({origin}) is not a setting, and no scenario names it: it has no effect"
            ),
        }
    }
}

impl Layers {
    /// Reads the environment of the process and, in `folder`, the files `.env` and `ringback.toml` where they exist.
    /// `file` names another TOML file, which then must exist.
    ///
    /// # Errors
    /// A file that cannot be read or breaks its grammar, an unknown key, or a known variable that is not UTF-8.
    pub fn gather(flags: Texts, folder: &Path, file: Option<&Path>) -> Result<Self, ConfigError> {
        let toml = match file {
            Some(path) => read_toml(path)?,
            None => match folder.join("ringback.toml") {
                path if path.exists() => read_toml(&path)?,
                _ => Texts::new(),
            },
        };
        Ok(Self {
            flags,
            environment: read_environment()?,
            dotenv: read_dotenv(&folder.join(".env"))?,
            toml,
        })
    }

    /// The text of `variable` in the highest layer that has one, or its default.
    ///
    /// # Errors
    /// A `NAME_FILE` that cannot be read, or that stands beside `NAME` in one layer.
    pub fn find(&self, variable: &Variable) -> Result<Found, ConfigError> {
        let layers = [
            (Origin::Flag, &self.flags),
            (Origin::Environment, &self.environment),
            (Origin::DotEnv, &self.dotenv),
            (Origin::Toml, &self.toml),
        ];
        for (origin, texts) in layers {
            let set = |name: &str| texts.get(name).filter(|text| !text.is_empty());
            let file_name = format!("{}_FILE", variable.name);
            let file = set(&file_name).filter(|_| variable.secret);
            match (set(variable.name), file) {
                (Some(_), Some(_)) => {
                    return Err(ConfigError(format!(
                        "{} and {file_name} are both set ({origin}): keep one",
                        variable.name
                    )));
                }
                (Some(text), None) => {
                    return Ok(Found {
                        text: text.clone(),
                        origin,
                    });
                }
                (None, Some(path)) => {
                    let text = std::fs::read_to_string(path).map_err(|error| {
                        ConfigError(format!(
                            "{file_name} ({origin}): cannot read {path}: {error}"
                        ))
                    })?;
                    let text = text.trim_end_matches(['\n', '\r']).to_owned();
                    return Ok(Found { text, origin });
                }
                (None, None) => {}
            }
        }
        Ok(Found {
            text: variable.default.to_owned(),
            origin: Origin::Default,
        })
    }

    /// All that was set, as what scenarios name by `env:NAME` is looked for.
    pub fn secrets(&self) -> Secrets {
        Secrets::of([&self.environment, &self.dotenv, &self.toml].map(Texts::clone))
    }

    /// Names that no setting has, where somebody who wrote them may have meant one: all of `.env`, and of the environment those that are like
    /// a setting's. Slips of the pen are among [`Layers::notices`].
    pub fn strange(&self) -> Vec<Strange> {
        let mut strange = Vec::new();
        for (origin, texts) in [
            (Origin::Environment, &self.environment),
            (Origin::DotEnv, &self.dotenv),
        ] {
            for name in texts.keys() {
                let meant = slips::cut_or_continued(name);
                let is_ours = origin == Origin::DotEnv && !slips::is_foreign(name);
                let noticed = is_known(name) || variables::near_miss(name).is_some();
                if !noticed && (meant.is_some() || is_ours) {
                    strange.push(Strange {
                        name: name.clone(),
                        origin,
                        meant,
                    });
                }
            }
        }
        strange
    }

    /// What is worth a warning: names that look like slips, and names that have no effect yet.
    pub fn notices(&self) -> Vec<String> {
        let mut notices = Vec::new();
        for (origin, texts) in [
            (Origin::Environment, &self.environment),
            (Origin::DotEnv, &self.dotenv),
        ] {
            for name in texts.keys().filter(|name| !is_known(name)) {
                if let Some(meant) = variables::near_miss(name) {
                    notices.push(format!(
                        "{name} ({origin}) is not a setting: did you mean {meant}?"
                    ));
                }
            }
        }
        for name in LATER {
            let layers = [&self.environment, &self.dotenv, &self.toml];
            if layers
                .iter()
                .any(|texts| texts.get(*name).is_some_and(|text| !text.is_empty()))
            {
                notices.push(format!("{name} is set, but not yet used by this version"));
            }
        }
        notices
    }
}

fn is_known(name: &str) -> bool {
    let is_file_of_secret = name
        .strip_suffix("_FILE")
        .and_then(variables::find)
        .is_some_and(|variable| variable.secret);
    variables::find(name).is_some() || is_file_of_secret || LATER.contains(&name)
}

fn read_environment() -> Result<Texts, ConfigError> {
    let mut texts = Texts::new();
    for (name, value) in std::env::vars_os() {
        let Some(name) = name.to_str() else { continue };
        match value.into_string() {
            Ok(value) => {
                texts.insert(name.to_owned(), value);
            }
            Err(_) if is_known(name) => {
                return Err(ConfigError(format!(
                    "{name} (environment) is not UTF-8 text"
                )));
            }
            Err(_) => {}
        }
    }
    Ok(texts)
}

fn read_dotenv(path: &Path) -> Result<Texts, ConfigError> {
    if !path.exists() {
        return Ok(Texts::new());
    }
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let refuse = |error: dotenvy::Error| {
        let why = match error {
            // The line itself may hold a secret. What was not understood goes on to the end where a quote is not closed.
            dotenvy::Error::LineParse(bad, place) => {
                let at = text.find(&bad).unwrap_or_default();
                let number = text[..at].matches('\n').count() + 1;
                let quotes = |mark: char| bad.matches(mark).count() % 2 == 1;
                match quotes('"') || quotes('\'') {
                    true => format!("line {number}: the quote is not closed"),
                    false => {
                        format!("line {number} is not NAME=value (at character {place} of it)")
                    }
                }
            }
            dotenvy::Error::Io(error) => error.to_string(),
            dotenvy::Error::EnvVar(_) | _ => "cannot be read".to_owned(),
        };
        ConfigError(format!("{}: {why}", path.display()))
    };
    dotenvy::from_path_iter(path)
        .map_err(refuse)?
        .map(|entry| entry.map_err(refuse))
        .collect()
}

fn read_toml(path: &Path) -> Result<Texts, ConfigError> {
    let refuse = |why: String| ConfigError(format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| {
            text[..span.start.min(text.len())].matches('\n').count() + 1
        });
        refuse(format!("line {line}: {}", error.message()))
    })?;
    let mut texts = Texts::new();
    for (key, value) in table {
        let name = key.to_ascii_uppercase();
        if key != key.to_ascii_lowercase() || !is_known(&name) {
            let hint = variables::near_miss(&key)
                .map(|meant| format!("; did you mean {}?", meant.to_ascii_lowercase()))
                .unwrap_or_default();
            return Err(refuse(format!("unknown key `{key}`{hint}")));
        }
        let text = scalar(&value).ok_or_else(|| {
            refuse(format!(
                "`{key}` must be text, a number, true or false, or a list of texts"
            ))
        })?;
        texts.insert(name, text);
    }
    Ok(texts)
}

fn scalar(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(items) => {
            let items: Option<Vec<&str>> = items.iter().map(toml::Value::as_str).collect();
            items.map(|items| items.join(","))
        }
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}
