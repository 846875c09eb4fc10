//! `ringback health`: whether a server of these settings answers, for containers and service managers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::config::HttpConfig;

/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(4);

/// Where a server of these settings is reached from its own machine.
pub fn address(http: &HttpConfig) -> String {
    let host = match http.host {
        IpAddr::V4(host) if host.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(host) if host.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        host @ (IpAddr::V4(_) | IpAddr::V6(_)) => host,
    };
    let scheme = if http.tls.is_some() { "https" } else { "http" };
    format!("{scheme}://{}", SocketAddr::new(host, http.port))
}

/// Asks `/live`, or `/ready` if new calls must be taken too. The certificate is not looked at: it names another host than this
/// machine, and nothing is told.
///
/// # Errors
/// Why it is not well, in one sentence.
pub async fn ask(base: &str, ready: bool) -> Result<(), String> {
    let path = if ready { "ready" } else { "live" };
    let url = format!("{}/{path}", base.trim_end_matches('/'));
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(WITHIN)
        .redirect(reqwest::redirect::Policy::none())
        .tls_danger_accept_invalid_certs(true)
        .build()
        .map_err(|error| format!("nothing can be asked: {error}"))?;
    let answer = client.get(&url).send().await.map_err(|error| {
        let late = if error.is_timeout() { "in time " } else { "" };
        format!("{url} does not answer {late}({error})")
    })?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        status => Err(format!("{url} answers {status}")),
    }
}
