//! Who counts as a local caller: the rule that stands in for signatures where there is no auth token.

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::ORIGIN;

use super::public_url::{host, names_this_machine, valid_authority};

/// Whether a request comes from this very machine and from no proxy on it: the peer is loopback, `Host` names this machine,
/// and no header says that it was forwarded or sent by a page of another site. A page in a browser that was lured to another name
/// fails the second, and a picture or link of such a page, which names no origin, the header that browsers add by themselves
/// (`Sec-Fetch-Site`).
pub fn is_local(headers: &HeaderMap, peer: IpAddr) -> bool {
    let foreign = headers.get_all(ORIGIN).iter().any(|origin| {
        let rest = origin.to_str().ok().and_then(|text| text.split_once("://"));
        let authority = rest.and_then(|(_, authority)| valid_authority(authority));
        !authority.is_some_and(|authority| names_this_machine(authority.host()))
    });
    let strange = headers
        .get_all("sec-fetch-site")
        .iter()
        .any(|site| site != "same-origin" && site != "none");
    let forwarded = headers
        .keys()
        .any(|name| name.as_str() == "forwarded" || name.as_str().starts_with("x-forwarded-"));
    let named = host(headers)
        .ok()
        .and_then(valid_authority)
        .is_some_and(|authority| names_this_machine(authority.host()));
    peer.to_canonical().is_loopback() && named && !forwarded && !foreign && !strange
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use axum::http::HeaderName;

    use super::*;

    fn check(peer: &str, headers: &[(&str, &str)], expected: bool) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        assert_eq!(
            is_local(&map, peer.parse().unwrap()),
            expected,
            "{peer} {headers:?}"
        );
    }

    #[test]
    fn loopback_by_a_name_of_this_machine_is_local() {
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1",
            "127.0.0.1:1",
            "[::1]:8080",
            "[::1]",
        ] {
            check("127.0.0.1", &[("host", host)], true);
            check("::1", &[("host", host)], true);
            check("::ffff:127.0.0.1", &[("host", host)], true);
        }
    }

    #[test]
    fn other_peers_names_and_forwarded_requests_are_not() {
        check("192.0.2.1", &[("host", "localhost")], false);
        check("127.0.0.1", &[], false);
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.2",
            "::1",
            "user@localhost",
            "localhost:x",
            "localhost, evil",
        ] {
            check("127.0.0.1", &[("host", host)], false);
        }
        check(
            "127.0.0.1",
            &[("host", "localhost"), ("host", "localhost")],
            false,
        );
        for origin in [
            "http://evil.example",
            "null",
            "http://localhost.evil.example",
            "x",
        ] {
            check(
                "127.0.0.1",
                &[("host", "localhost"), ("origin", origin)],
                false,
            );
        }
        for origin in ["http://localhost:8080", "http://127.0.0.1"] {
            check(
                "127.0.0.1",
                &[("host", "localhost"), ("origin", origin)],
                true,
            );
        }
        for (site, expected) in [
            ("none", true),
            ("same-origin", true),
            ("same-site", false),
            ("cross-site", false),
            ("x", false),
        ] {
            let headers = [("host", "localhost"), ("sec-fetch-site", site)];
            check("127.0.0.1", &headers, expected);
        }
        for header in [
            "forwarded",
            "x-forwarded-for",
            "x-forwarded-host",
            "X-Forwarded-Proto",
            "x-forwarded-anything",
        ] {
            check("127.0.0.1", &[("host", "localhost"), (header, "")], false);
        }
    }
}
