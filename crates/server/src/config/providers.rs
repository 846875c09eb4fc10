//! Providers in the cloud: their keys, addresses and models, and in which order they are tried.

use ringback_session::provider::{Access, Account, Accounts};
use url::Url;

use super::ConfigError;
use super::read::{self, Reader};

/// The providers that have a key.
pub(super) fn accounts(reader: &Reader<'_>) -> Result<Accounts, ConfigError> {
    Ok(Accounts {
        deepgram: account(
            reader,
            origin,
            ["DEEPGRAM_API_KEY", "DEEPGRAM_URL", "DEEPGRAM_MODEL", ""],
        )?,
        openai: account(
            reader,
            base_url,
            ["OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", ""],
        )?,
        cartesia: account(
            reader,
            origin,
            [
                "CARTESIA_API_KEY",
                "CARTESIA_URL",
                "CARTESIA_MODEL",
                "CARTESIA_VOICE_ID",
            ],
        )?,
        elevenlabs: account(
            reader,
            origin,
            [
                "ELEVENLABS_API_KEY",
                "ELEVENLABS_URL",
                "ELEVENLABS_MODEL",
                "ELEVENLABS_VOICE_ID",
            ],
        )?,
    })
}

/// The account of a provider by its variables: key, address (by `address`), model, and voice where it has one.
fn account(
    reader: &Reader<'_>,
    address: fn(&str) -> Result<Url, String>,
    [key, url, model, voice]: [&str; 4],
) -> Result<Option<Account>, ConfigError> {
    let key = reader.key(key)?;
    let url = reader.value(url, address)?;
    let model = reader.value(model, read::line)?;
    let voice = match voice {
        "" => None,
        voice => Some(reader.value(voice, read::line)?),
    };
    Ok(key.map(|key| Account {
        access: Access {
            key: Some(key),
            url,
        },
        model,
        voice,
    }))
}

/// Scheme, host and port of a provider, or of what stands in its place. Its routes are known.
pub(super) fn origin(text: &str) -> Result<Url, String> {
    let url = base_url(text)?;
    if url.path() != "/" {
        return Err(format!(
            "leave out the path {}: the provider's own is put behind the host",
            url.path()
        ));
    }
    Ok(url)
}

/// Scheme, host, port, and perhaps the path before the routes.
pub(super) fn base_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim_end_matches('/'))
        .map_err(|_| "write an address such as https://api.example.com".to_owned())?;
    let fits = matches!(url.scheme(), "http" | "https" | "ws" | "wss")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !fits {
        return Err("write http, https, ws or wss, a host and perhaps a port: keys go into a variable of their own".to_owned());
    }
    Ok(url)
}

/// Which engines play a role, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Their names.
    pub names: Vec<String>,
    /// Whether the setting names them; otherwise keys decided.
    pub named: bool,
}

/// The order that a variable gives: names, `none` where that is allowed, or `auto`: the providers that have a key, and then
/// the local engine.
pub(super) fn order(
    reader: &Reader<'_>,
    variable: &str,
    providers: &[(&str, bool)],
    local: &str,
    may_be_none: bool,
) -> Result<Order, ConfigError> {
    reader.value(variable, |text| {
        if text.eq_ignore_ascii_case("auto") {
            let keyed = providers.iter().filter(|(_, keyed)| *keyed);
            let names = keyed.map(|(name, _)| *name).chain([local]);
            return Ok(Order {
                names: names.map(str::to_owned).collect(),
                named: false,
            });
        }
        if may_be_none && text.eq_ignore_ascii_case("none") {
            return Ok(Order {
                names: Vec::new(),
                named: true,
            });
        }
        let mut known: Vec<&str> = providers.iter().map(|(name, _)| *name).collect();
        known.push(local);
        let names = read::engines(text, &known)?;
        let without = providers
            .iter()
            .find(|(name, keyed)| !keyed && names.iter().any(|wanted| wanted == name));
        match without {
            Some((name, _)) => Err(format!(
                "{name} has no key: set {}_API_KEY",
                name.to_ascii_uppercase()
            )),
            None => Ok(Order { names, named: true }),
        }
    })
}
