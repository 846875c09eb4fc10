//! Who may register, and how long what they get is good.

use std::net::IpAddr;
use std::time::Duration;

use super::ConfigError;
use super::read::{self, Reader};

/// Accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountsConfig {
    /// `REGISTRATION`: who may make an account for themselves.
    pub registration: Registration,
    /// `API_AUTH=off`: whether callers on this machine are the first user, without a token.
    pub local_callers: bool,
    /// `ACCESS_TOKEN_MINUTES`: the life of an access token.
    pub access_life: Duration,
    /// `REFRESH_TOKEN_DAYS`: the life of a refresh token, from its last use.
    pub refresh_life: Duration,
}

/// Who may make an account for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// The first, who becomes an admin.
    FirstUser,
    /// Everybody; the first becomes an admin.
    Open,
    /// Nobody.
    Closed,
}

pub(super) fn accounts(reader: &Reader<'_>, host: IpAddr) -> Result<AccountsConfig, ConfigError> {
    Ok(AccountsConfig {
        registration: reader.value("REGISTRATION", |text| match text {
            "first-user" => Ok(Registration::FirstUser),
            "open" => Ok(Registration::Open),
            "closed" => Ok(Registration::Closed),
            _ => Err("write first-user, open or closed".to_owned()),
        })?,
        local_callers: reader.value("API_AUTH", |text| match read::flag(text)? {
            false if !host.is_loopback() => Err(format!(
                "it can be off on loopback alone, and HOST={host} is beyond: bring tokens or API keys"
            )),
            on => Ok(!on),
        })?,
        access_life: reader.value("ACCESS_TOKEN_MINUTES", |text| {
            read::number(text, 1, 1440).map(|minutes| Duration::from_secs(minutes * 60))
        })?,
        refresh_life: reader.value("REFRESH_TOKEN_DAYS", |text| {
            read::number(text, 1, 366).map(|days| Duration::from_secs(days * 86_400))
        })?,
    })
}
