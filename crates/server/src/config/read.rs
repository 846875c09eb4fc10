//! From text to values: one small parser per kind of setting.

use std::net::IpAddr;

use ipnet::IpNet;
use ringback_wire::twilio::rest::is_sid;
use tracing::level_filters::LevelFilter;
use url::Url;

use super::layers::Layers;
use super::{ConfigError, LogFormat, Secret, variables};

/// Reads typed values out of the layers.
pub struct Reader<'a>(pub &'a Layers);

impl Reader<'_> {
    /// The value of a variable, by `parse`.
    ///
    /// # Errors
    /// What `parse` says, with the name, the value (unless it is a secret) and where it was found.
    pub fn value<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        let variable = variables::find(name)
            .ok_or_else(|| ConfigError(format!("{name} is not in the table of variables")))?;
        let found = self.0.find(variable)?;
        parse(&found.text).map_err(|why| {
            // An address may hold a password.
            let shown = if variable.secret || found.text.contains('@') {
                String::new()
            } else {
                format!("={}", found.text)
            };
            ConfigError(format!("{name}{shown} ({}): {why}", found.origin))
        })
    }

    /// A secret; `None` when it is not set.
    ///
    /// # Errors
    /// As [`Reader::value`].
    pub fn secret(&self, name: &str) -> Result<Option<Secret>, ConfigError> {
        self.value(name, |text| {
            if text.trim() != text || text.chars().any(char::is_control) {
                return Err(
                    "has spaces or control characters at its ends or inside: copy it again"
                        .to_owned(),
                );
            }
            Ok(optional(text).map(Secret::new))
        })
    }

    /// A provider's key; `None` when it is not set.
    ///
    /// # Errors
    /// As [`Reader::value`].
    pub fn key(&self, name: &str) -> Result<Option<Secret>, ConfigError> {
        self.value(name, |text| {
            if !text.chars().all(|c| c.is_ascii_graphic()) {
                return Err("has spaces or characters that no key has: copy it again".to_owned());
            }
            Ok(optional(text).map(Secret::new))
        })
    }
}

/// The address of a proxy, or `None` for none: a host with a port, or `http` or `https` and a host.
pub fn proxy(text: &str) -> Result<Option<String>, String> {
    let whole = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let has_port = |url: &Url| {
        let port = text
            .rsplit_once(':')
            .map(|(_, port)| port.trim_end_matches('/'));
        url.port().is_some() || port.is_some_and(|port| port.parse::<u16>().is_ok())
    };
    let fits = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && (text.contains("://") || has_port(url))
    };
    if text.is_empty() || Url::parse(&whole).is_ok_and(|url| fits(&url)) {
        return Ok(optional(text));
    }
    Err("write the proxy as http://host:port".to_owned())
}

/// The text, or `None` for none.
pub fn optional(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// `name=value,name=value`; none for nothing.
pub fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let pieces = text.split(',').filter(|piece| !piece.trim().is_empty());
    let pair = |piece: &str| {
        let (name, value) = piece
            .split_once('=')
            .ok_or("write name=value, several with commas between them")?;
        Ok((name.trim().to_owned(), value.trim().to_owned()))
    };
    pieces.map(pair).collect()
}

/// One line of text that is not empty.
pub fn line(text: &str) -> Result<String, String> {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err("must be one line of text".to_owned());
    }
    Ok(text.trim().to_owned())
}

/// A word that may stand in a file name.
pub fn file_word(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if text.is_empty() || text.len() > 40 || !text.chars().all(fits) {
        return Err(
            "must be 1 to 40 letters, digits or hyphens: it is part of file names".to_owned(),
        );
    }
    Ok(text.to_owned())
}

/// `true`, `yes`, `on`, `1` and their opposites, in any case.
pub fn flag(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err("write on or off".to_owned()),
    }
}

/// A whole number within bounds.
pub fn number(text: &str, least: u64, most: u64) -> Result<u64, String> {
    text.trim()
        .parse()
        .ok()
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| format!("write a whole number from {least} to {most}"))
}

/// A port.
pub fn port(text: &str) -> Result<u16, String> {
    text.trim()
        .parse()
        .map_err(|_| "write a port number from 0 to 65535".to_owned())
}

/// An address of this machine; the name `localhost` stands for 127.0.0.1.
pub fn host(text: &str) -> Result<IpAddr, String> {
    if text.eq_ignore_ascii_case("localhost") {
        return Ok(IpAddr::from([127, 0, 0, 1]));
    }
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    bare.parse()
        .map_err(|_| "write an IP address, such as 127.0.0.1, 0.0.0.0 or ::".to_owned())
}

/// Networks, with commas between them; a bare address is a network of one.
pub fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    list(text)
        .into_iter()
        .map(|item| {
            item.parse::<IpNet>()
                .or_else(|_| item.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| format!("`{item}` is no network: write it like 10.0.0.0/8"))
        })
        .collect()
}

/// Words with commas between them; blanks around them and empty ones are dropped.
pub fn list(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A list of names of which each must be one of `known`, none twice.
pub fn engines(text: &str, known: &[&str]) -> Result<Vec<String>, String> {
    let names: Vec<String> = list(&text.to_ascii_lowercase());
    for (index, name) in names.iter().enumerate() {
        if !known.contains(&name.as_str()) {
            return Err(format!(
                "`{name}` is not available in this version; there is: {}",
                known.join(", ")
            ));
        }
        if names[..index].contains(name) {
            return Err(format!("`{name}` stands there twice"));
        }
    }
    Ok(names)
}

/// A level by Python's or Rust's name, in any case. CRITICAL is the same as ERROR.
pub fn level(text: &str) -> Result<LevelFilter, String> {
    match text.to_ascii_uppercase().as_str() {
        "TRACE" => Ok(LevelFilter::TRACE),
        "DEBUG" => Ok(LevelFilter::DEBUG),
        "INFO" => Ok(LevelFilter::INFO),
        "WARNING" | "WARN" => Ok(LevelFilter::WARN),
        "ERROR" | "CRITICAL" => Ok(LevelFilter::ERROR),
        "OFF" => Ok(LevelFilter::OFF),
        _ => Err("write DEBUG, INFO, WARNING or ERROR (or TRACE, OFF)".to_owned()),
    }
}

/// The form of log lines.
pub fn log_format(text: &str) -> Result<LogFormat, String> {
    match text.to_ascii_lowercase().as_str() {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("write text or json".to_owned()),
    }
}

/// A size in bytes, `None` for `off`. KB, MB and GB are powers of 1000.
pub fn size(text: &str) -> Result<Option<u64>, String> {
    let upper = text.trim().to_ascii_uppercase();
    if upper == "OFF" {
        return Ok(None);
    }
    let units = [
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("B", 1),
    ];
    let (digits, unit) = units
        .iter()
        .find_map(|(suffix, unit)| upper.strip_suffix(suffix).map(|digits| (digits, *unit)))
        .unwrap_or((&upper, 1));
    digits
        .trim()
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit))
        .filter(|bytes| *bytes >= 1_000)
        .map(Some)
        .ok_or_else(|| "write a size of at least 1KB, such as 50MB, or off".to_owned())
}

/// A Twilio account: `AC` and 32 hexadecimal digits, or none.
pub fn account_sid(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() || is_sid(text, "AC") {
        return Ok(optional(text));
    }
    Err("an account SID is AC and 32 hexadecimal digits".to_owned())
}
