//! The client of all models.

use std::time::Duration;

use reqwest::{Client, ClientBuilder, NoProxy, Proxy, redirect};

use super::answer::PROVIDER;
use super::fault;
use crate::provider::Failure;

/// The longest wait for a connection, shared between the addresses of a host.
const CONNECT: Duration = Duration::from_secs(2);
/// An idle HTTP/2 connection is asked so often whether it still lives: a dead one is found before a caller waits for it.
const PING: Duration = Duration::from_secs(20);
/// How long the answer to that is waited for.
const PONG: Duration = Duration::from_secs(5);
/// The largest header of an answer over HTTP/2, in bytes.
const MAX_HEADER: u32 = 64 * 1024;

/// A client, to be made once and shared. `proxy`: the proxy for https that the operator has set, or none is used. Hosts in
/// `NO_PROXY` go without it.
///
/// # Errors
/// The proxy's address cannot be used, or TLS cannot be set up. A machine without certificate authorities is no error yet: `http`
/// works there.
pub(crate) fn client(proxy: Option<&str>) -> Result<Client, Failure> {
    let unusable = |error: reqwest::Error| {
        let what = format!("cannot be asked by this machine: {}", fault::reason(&error));
        Failure::misconfigured(PROVIDER, what)
    };
    match builder(proxy)?.build() {
        Ok(client) => Ok(client),
        Err(error) => {
            tracing::warn!(
                why = fault::reason(&error),
                "Error: https cannot be trusted on this machine; install ca-certificates"
            );
            let without = builder(proxy)?.tls_certs_only([]);
            without.build().map_err(unusable)
        }
    }
}

/// The operator chose the addresses, so unlike those of webhooks they may be private.
pub(super) fn builder(proxy: Option<&str>) -> Result<ClientBuilder, Failure> {
    let builder = Client::builder()
        .user_agent(concat!("ringback/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .tcp_nodelay(true)
        .connect_timeout(CONNECT)
        .http2_adaptive_window(true)
        .http2_keep_alive_interval(PING)
        .http2_keep_alive_timeout(PONG)
        .http2_keep_alive_while_idle(true)
        .http2_max_header_list_size(MAX_HEADER);
    let Some(proxy) = proxy else {
        return Ok(builder);
    };
    let proxy = Proxy::https(proxy).map_err(|_| {
        Failure::misconfigured(
            PROVIDER,
            "cannot be asked through the proxy: check HTTPS_PROXY",
        )
    })?;
    Ok(builder.proxy(proxy.no_proxy(NoProxy::from_env())))
}
