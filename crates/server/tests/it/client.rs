//! Who asks, behind proxies and without.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use proptest::collection::vec;
use proptest::prelude::*;
use ringback_server::client::ClientAddress;

fn check(peer: &str, headers: &[(&str, &str)], expected: &str) {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    let trusted = ["10.0.0.0/8", "127.0.0.0/8", "2001:db8:1::/48"];
    let trusted = trusted.map(|network| network.parse::<IpNet>().unwrap());
    let client = ClientAddress::of(&map, peer.parse().unwrap(), &trusted);
    assert_eq!(client.to_string(), expected, "{peer} {headers:?}");
}

const FOR: &str = "x-forwarded-for";

#[test]
fn the_client_is_the_last_address_that_no_trusted_proxy_has() {
    check("10.0.0.1", &[(FOR, "192.0.2.7")], "192.0.2.7");
    check("10.0.0.1", &[(FOR, "192.0.2.7, 10.0.0.9")], "192.0.2.7");
    check(
        "10.0.0.1",
        &[(FOR, "192.0.2.7"), (FOR, "10.0.0.9")],
        "192.0.2.7",
    );
    check("10.0.0.1", &[(FOR, "10.0.0.8,10.0.0.9")], "10.0.0.8");
    check("2001:db8:1::1", &[(FOR, "2001:db8:2::7")], "2001:db8:2::7");
}

#[test]
fn what_a_client_writes_itself_is_not_believed() {
    check("192.0.2.9", &[(FOR, "192.0.2.7")], "192.0.2.9");
    check("192.0.2.9", &[("forwarded", "for=192.0.2.7")], "192.0.2.9");
    check("10.0.0.1", &[(FOR, "127.0.0.1, 192.0.2.7")], "192.0.2.7");
    check(
        "10.0.0.1",
        &[(FOR, "198.51.100.1, 192.0.2.7, 10.0.0.9")],
        "192.0.2.7",
    );
    check(
        "10.0.0.1",
        &[(FOR, "192.0.2.7"), ("forwarded", "for=198.51.100.1")],
        "192.0.2.7",
    );
}

#[test]
fn one_address_has_one_spelling() {
    for spelling in [
        "192.0.2.7",
        "::ffff:192.0.2.7",
        "192.0.2.7:55555",
        "[::ffff:192.0.2.7]:443",
    ] {
        check("10.0.0.1", &[(FOR, spelling)], "192.0.2.7");
    }
    check("::ffff:192.0.2.7", &[], "192.0.2.7");
    check("::ffff:10.0.0.1", &[(FOR, "192.0.2.7")], "192.0.2.7");
    check("10.0.0.1", &[(FOR, "[2001:db8::7]")], "2001:db8::7");
}

#[test]
fn a_hop_that_is_no_address_ends_the_search_at_who_reported_it() {
    for odd in [
        "unknown",
        "_hidden",
        "",
        "evil\u{fc}",
        "1.2.3.4.5",
        "<x>",
        "10.0.0.5/8",
    ] {
        check(
            "10.0.0.1",
            &[(FOR, &format!("192.0.2.7, {odd}"))],
            "10.0.0.1",
        );
    }
    check("10.0.0.1", &[(FOR, "192.0.2.7, x, 10.0.0.9")], "10.0.0.9");
    check("10.0.0.1", &[], "10.0.0.1");
    check("10.0.0.1", &[(FOR, &"10.0.0.2,".repeat(500))], "10.0.0.1");
}

#[test]
fn the_header_of_the_standard_counts_where_the_usual_one_is_missing() {
    for element in [
        "for=192.0.2.7",
        "For=192.0.2.7;proto=https;by=203.0.113.43",
        "proto=http; for=\"192.0.2.7:47011\"",
        "for=198.51.100.1, for=\"[::ffff:192.0.2.7]\", for=10.0.0.9",
    ] {
        check("10.0.0.1", &[("forwarded", element)], "192.0.2.7");
    }
    for element in ["for=_gazonk", "for=unknown", "proto=https", "for"] {
        check("10.0.0.1", &[("forwarded", element)], "10.0.0.1");
    }
}

proptest! {
    #[test]
    fn whatever_a_stranger_sends_it_stays_itself(texts in vec("[ -~]{0,60}", 0..4)) {
        let mut headers = HeaderMap::new();
        for text in &texts {
            headers.append(FOR, text.parse().unwrap());
            headers.append("forwarded", text.parse().unwrap());
        }
        let trusted = ["10.0.0.0/8".parse::<IpNet>().unwrap()];
        let stranger = "192.0.2.9".parse().unwrap();
        prop_assert_eq!(ClientAddress::of(&headers, stranger, &trusted).0, stranger);
    }

    #[test]
    fn what_comes_before_the_last_hop_that_is_not_trusted_never_counts(
        before in "[ -~]{0,60}",
        last in any::<[u8; 4]>().prop_filter("not trusted", |last| last[0] != 10),
        proxies in vec(any::<[u8; 3]>(), 0..5),
    ) {
        let last = std::net::Ipv4Addr::from(last);
        let hops = proxies.iter().map(|[b, c, d]| format!(",10.{b}.{c}.{d}"));
        let list = format!("{before},{last}{}", hops.collect::<String>());
        let mut headers = HeaderMap::new();
        headers.insert(FOR, list.parse().unwrap());
        let trusted = ["10.0.0.0/8".parse::<IpNet>().unwrap()];
        let client = ClientAddress::of(&headers, "10.0.0.1".parse().unwrap(), &trusted);
        prop_assert_eq!(client.0, last);
    }
}
