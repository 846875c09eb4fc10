//! Where a webhook may lead.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Why a URL is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Blocked {
    #[error("cannot be asked: its URL must begin with https:// or http:// and name a host")]
    Scheme,
    #[error(
        "cannot be asked: its URL holds a user name or a password; take it out, requests are signed with the secret"
    )]
    UserInfo,
    #[error(
        "is not asked: its address is not a public one; give a public address, or allow private ones with allow_private = true"
    )]
    Private,
}

/// Checks a URL as it is written. Where its host is a name, [`PublicOnly`] checks what that resolves to.
pub(super) fn check(url: &Url, allow_private: bool) -> Result<(), Blocked> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Blocked::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Blocked::UserInfo);
    }
    let literal = match url.host() {
        None => return Err(Blocked::Scheme),
        Some(Host::Domain(_)) => None,
        Some(Host::Ipv4(v4)) => Some(IpAddr::V4(v4)),
        Some(Host::Ipv6(v6)) => Some(IpAddr::V6(v6)),
    };
    match literal {
        Some(address) if !allow_private && !is_public(address) => Err(Blocked::Private),
        Some(_) | None => Ok(()),
    }
}

/// A resolver that knows only public addresses. The connection is made to what it answers.
pub(super) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public = public(found)?;
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

fn public(found: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, Blocked> {
    let public: Vec<_> = found.filter(|found| is_public(found.ip())).collect();
    if public.is_empty() {
        return Err(Blocked::Private);
    }
    Ok(public)
}

/// Whether an address belongs to a host on the public Internet: no loopback, private, shared, link-local, multicast,
/// documentation or reserved one, by the special-purpose registries of IANA. An IPv6 address that stands for an IPv4 one
/// (mapped, NAT64, 6to4) is judged by that.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let this_network = a == 0;
    let shared = a == 100 && (64..128).contains(&b);
    let protocols = (a, b, c) == (192, 0, 0);
    let relay = (a, b, c) == (192, 88, 99);
    let benchmark = a == 198 && matches!(b, 18 | 19);
    let multicast_or_reserved = a >= 224;
    !(this_network
        || shared
        || protocols
        || relay
        || benchmark
        || multicast_or_reserved
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] => embedded(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        // Protocol assignments, Teredo and benchmarks among them; documentation, old and new.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        // Nothing else but 2000::/3 is given to hosts.
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        reason = "a test that cannot be set up has failed"
    )]

    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check_all(addresses: &str, expected: bool) {
        for address in addresses.split_whitespace() {
            let parsed = address.parse().unwrap();
            assert_eq!(is_public(parsed), expected, "{address}");
        }
    }

    #[test]
    fn addresses_of_hosts_on_the_internet_are_public() {
        check_all(
            "1.1.1.1 8.8.8.8 99.255.255.255 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 169.253.255.255
             169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0
             223.255.255.255 2606:4700:4700::1111 2001:200::1 2a00:1450::1 3ffe::1",
            true,
        );
    }

    #[test]
    fn special_purpose_addresses_are_not_public() {
        check_all(
            "0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.255
             169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1
             198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
             :: ::1 ::8.8.8.8 64:ff9b:1::1 100::1 fc00::1 fd12:3456::1 fe80::1 fec0::1 ff02::1 2001::1 2001:2::1
             2001:20::1 2001:db8::1 3fff::1 5f00::1 4000::1",
            false,
        );
    }

    #[test]
    fn an_ipv6_address_that_stands_for_an_ipv4_one_is_judged_by_that() {
        check_all("::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808::1", true);
        check_all(
            "::ffff:127.0.0.1 ::ffff:169.254.169.254 64:ff9b::10.0.0.1 2002:7f00:1::1 2002:c0a8:1::",
            false,
        );
    }

    #[test]
    fn of_a_mixed_answer_only_the_public_addresses_are_kept() {
        let found = ["127.0.0.1:0", "1.1.1.1:0", "[::1]:0"].map(|text| text.parse().unwrap());
        assert_eq!(
            public(found.into_iter()),
            Ok(vec!["1.1.1.1:0".parse().unwrap()])
        );
        assert_eq!(public([found[0]].into_iter()), Err(Blocked::Private));
        assert_eq!(public([].into_iter()), Err(Blocked::Private));
    }

    #[test]
    fn every_spelling_of_loopback_is_private() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "127.0.0.1.",
            "１２７.0.0.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[64:ff9b::7f00:1]",
        ] {
            let url = Url::parse(&format!("http://{host}/")).unwrap();
            assert_eq!(check(&url, false), Err(Blocked::Private), "{host}");
            assert_eq!(check(&url, true), Ok(()), "{host}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_mapped_address_is_as_public_as_the_one_it_maps(bits: u32) {
            let v4 = Ipv4Addr::from_bits(bits);
            prop_assert_eq!(is_public(v4.to_ipv6_mapped().into()), is_public(v4.into()));
        }
    }
}
