//! `SECRET_KEY`: refused where it is weak and the world can reach us, made where it is missing and we listen for this machine alone.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context as _;

use super::{Config, ConfigError, Secret};

const LEAST_CHARACTERS: usize = 32;
const FILE: &str = "secret_key";

/// Different characters that a key has at least; 64 random hexadecimal digits have twice as many.
const LEAST_DISTINCT: usize = 8;
/// Of a keyboard.
const ROWS: &[&str] = &["qwertyuiop", "asdfghjkl", "zxcvbnm", "90"];

/// Words of which example keys are made.
const EXAMPLES: &[&str] = &[
    "changeme",
    "change-me",
    "change_me",
    "example",
    "your-secret",
    "your_secret",
    "yoursecret",
    "secretkey",
    "secret_key",
    "secret-key",
    "placeholder",
];

/// Refuses a short, example or guessable key where others than this machine reach the server, and a missing one where it listens beyond
/// loopback itself: behind a proxy one is made, as on loopback.
pub fn check(config: &Config) -> Result<(), ConfigError> {
    let http = &config.http;
    let beyond = !http.host.is_loopback();
    let reached = match &http.public_url {
        _ if beyond => format!("HOST={}", http.host),
        Some(url) if !url.is_this_machine() => format!("PUBLIC_URL={url}"),
        Some(_) | None => return Ok(()),
    };
    let unfit = |what: String| {
        ConfigError(format!(
            "{what}, and {reached} is beyond loopback: make one with: openssl rand -hex 32"
        ))
    };
    if beyond && config.secret_key.is_none() {
        return Err(unfit("SECRET_KEY is not set".to_owned()));
    }
    weakness(config).map_or(Ok(()), |what| Err(unfit(what)))
}

/// Which key is weak, and why. Who knows a weak old key can forge tokens with it as well.
fn weakness(config: &Config) -> Option<String> {
    let keys = [
        ("SECRET_KEY", &config.secret_key),
        ("SECRET_KEY_PREVIOUS", &config.secret_key_previous),
    ];
    keys.into_iter().find_map(|(name, key)| {
        let key = key.as_ref()?.expose();
        let why = if key.chars().count() < LEAST_CHARACTERS {
            "is shorter than 32 characters"
        } else if is_example(key) {
            "is an example"
        } else if is_regular(key) {
            "can be guessed"
        } else {
            return None;
        };
        Some(format!("{name} {why}"))
    })
}

fn is_example(key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    let mut characters: Vec<char> = lower.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    characters.len() < LEAST_DISTINCT || EXAMPLES.iter().any(|word| lower.contains(word))
}

/// Whether a key is a piece again and again, or for the most part goes on as the alphabet, digits or a keyboard do. Of random hexadecimal
/// digits one in five or so does.
fn is_regular(key: &str) -> bool {
    let key: Vec<char> = key.to_lowercase().chars().collect();
    let repeats = (1..=key.len() / 2).any(|piece| key[piece..] == key[..key.len() - piece]);
    let neighbours = |a: char, b: char| {
        let follows = u32::from(a).abs_diff(u32::from(b)) <= 1;
        let on_a_row =
            |row: &str| row.contains(&format!("{a}{b}")) || row.contains(&format!("{b}{a}"));
        follows || ROWS.iter().any(|row| on_a_row(row))
    };
    let going_on = key.windows(2).filter(|two| neighbours(two[0], two[1]));
    repeats || going_on.count() * 2 > key.len()
}

impl Config {
    /// That a key is weak, where only this machine reaches the server: elsewhere it stops the start.
    #[must_use]
    pub fn weak_key(&self) -> Option<String> {
        let what = weakness(self)?;
        Some(format!(
            "{what}: make one with: openssl rand -hex 32, before others can reach this server"
        ))
    }

    /// The key that signs tokens: `SECRET_KEY`, else the one kept in `DATA_DIR`, which is made at the first start.
    ///
    /// # Errors
    /// The file can be neither read nor made, which may pass; a [`ConfigError`] where it is damaged.
    pub fn signing_key(&self) -> anyhow::Result<Secret> {
        match &self.secret_key {
            Some(key) => Ok(key.clone()),
            None => {
                self.make_data_dir()?;
                kept(&self.data_dir)
            }
        }
    }
}

fn kept(data_dir: &Path) -> anyhow::Result<Secret> {
    let path = data_dir.join(FILE);
    let key = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make(data_dir, &path).and_then(|()| std::fs::read_to_string(&path))
        }
        read => read,
    };
    let key = key.with_context(|| format!("DATA_DIR: {}", path.display()))?;
    if key.trim().len() < LEAST_CHARACTERS {
        let what = format!(
            "{} is damaged: delete it, a new one is made then",
            path.display()
        );
        return Err(ConfigError(what).into());
    }
    Ok(Secret::new(key.trim()))
}

/// Makes the file, unless another process was faster. It is written whole under another name first: a start that is killed half-way, or that
/// finds the disk full, leaves no short key behind.
fn make(data_dir: &Path, path: &Path) -> std::io::Result<()> {
    let draft = data_dir.join(format!("{FILE}.{}", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    let written = fresh_key().and_then(|fresh| file.write_all(fresh.as_bytes()));
    let linked = written.and_then(|()| std::fs::hard_link(&draft, path));
    std::fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn fresh_key() -> std::io::Result<String> {
    let mut bytes = [0u8; 32];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| std::io::Error::other("the system gives no random bytes"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
