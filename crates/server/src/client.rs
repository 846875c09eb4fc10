//! From where a request comes: the peer at the other end of the connection, and the client behind trusted proxies.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;

use crate::answers::Detail;
use crate::app::App;
use crate::config::HttpConfig;
use crate::hooks::public_url::{PublicBase, host};

/// Hops of a forwarded request that are looked at.
const MOST_HOPS: usize = 32;

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address; an IPv4 address inside IPv6 as itself.
    pub address: IpAddr,
    /// Whether the connection is TLS of our own.
    pub tls: bool,
}

/// Marks requests that came by our own TLS.
#[derive(Clone, Copy, Debug)]
pub struct OverTls;

impl Peer {
    /// The peer of a request, where it is known.
    pub fn of(extensions: &Extensions) -> Option<Self> {
        let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
        Some(Self {
            address: peer.ip().to_canonical(),
            tls: extensions.get::<OverTls>().is_some(),
        })
    }

    /// Whether it is in one of the networks.
    pub fn is_in(&self, networks: &[IpNet]) -> bool {
        contains(networks, self.address)
    }
}

impl From<IpAddr> for Peer {
    fn from(address: IpAddr) -> Self {
        Self {
            address: address.to_canonical(),
            tls: false,
        }
    }
}

fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// The address of who asks: what limits are counted by, and what the log names. Behind proxies of `TRUSTED_PROXIES` it is the
/// last address that none of them has. It never makes a caller local.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(
    /// An IPv4 address inside IPv6 as itself.
    pub IpAddr,
);

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ClientAddress {
    /// Who asks `peer` to ask us. A hop that names no address ends the search: the proxy that reported it is the client then.
    pub fn of(headers: &HeaderMap, peer: IpAddr, trusted: &[IpNet]) -> Self {
        let mut client = peer.to_canonical();
        let mut hops = hops(headers).into_iter().rev().take(MOST_HOPS);
        while contains(trusted, client) {
            match hops.next().map(|hop| address(&hop)) {
                Some(Some(hop)) => client = hop,
                Some(None) | None => break,
            }
        }
        Self(client)
    }

    /// What the middleware found.
    pub fn found(extensions: &Extensions) -> Option<Self> {
        extensions.get().copied()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Detail;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Detail> {
        Self::found(&parts.extensions).ok_or_else(|| {
            let what = "the peer of the request is not known";
            Detail::new(StatusCode::FORBIDDEN, what)
        })
    }
}

/// Finds the [`ClientAddress`] of a request, for all that follows.
pub async fn find(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if let Some(peer) = Peer::of(request.extensions()) {
        let trusted = &app.config.http.trusted_proxies;
        let client = ClientAddress::of(request.headers(), peer.address, trusted);
        request.extensions_mut().insert(client);
    }
    next.run(request).await
}

/// Whether the answer goes out by https: by our own TLS, by a trusted proxy's word, or to the host of an https `PUBLIC_URL`.
pub fn is_secure(headers: &HeaderMap, peer: Option<Peer>, http: &HttpConfig) -> bool {
    let told = peer.is_some_and(|peer| {
        PublicBase::of_request(headers, peer, &http.trusted_proxies)
            .is_ok_and(|base| base.is_secure())
    });
    let public = http.public_url.as_ref();
    let ours = public.filter(|base| base.is_secure()).is_some_and(|base| {
        host(headers).is_ok_and(|host| host.eq_ignore_ascii_case(base.authority()))
    });
    told || ours
}

/// The hops that proxies report, the last at the end: those of `X-Forwarded-For`, or where there is none those of `Forwarded`
/// (RFC 7239).
fn hops(headers: &HeaderMap) -> Vec<String> {
    let lists = |name: &str| {
        let values = headers.get_all(name).iter();
        let texts = values.map(|value| value.to_str().unwrap_or("?").to_owned());
        texts.collect::<Vec<_>>()
    };
    let split = |lists: Vec<String>| -> Vec<String> {
        let items = lists.iter().flat_map(|list| list.split(','));
        items.map(|item| item.trim().to_owned()).collect()
    };
    let told = split(lists("x-forwarded-for"));
    if !told.is_empty() {
        return told;
    }
    let elements = split(lists("forwarded"));
    elements
        .iter()
        .map(|element| forwarded_for(element))
        .collect()
}

/// The node of one element of `Forwarded`.
fn forwarded_for(element: &str) -> String {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let node = pairs
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"))
        .map(|(_, node)| node.trim().trim_matches('"').to_owned())
        .next();
    node.unwrap_or_default()
}

/// An address as proxies write it: alone, with a port, in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse::<IpAddr>().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address| address.to_canonical())
}
