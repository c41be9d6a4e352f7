//! Who is at the other end.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

use axum::http::HeaderMap;

/// Where proxies note who has asked them: the list grows to the right.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// An address whose connections are counted together. Of IPv6 it is the network of 64 bits: one host has all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Peer(IpAddr);

impl Peer {
    pub(crate) fn of(addr: IpAddr) -> Self {
        Self(match addr.to_canonical() {
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

/// Where a request comes from. The listener puts it into the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallerAddr {
    /// The other end of the connection.
    pub connected: IpAddr,
    /// The same, or whom a trusted proxy there names as the sender.
    pub named: IpAddr,
}

/// Addresses and networks of proxies whose `X-Forwarded-For` is believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Arc<[Network]>);

/// A text that is neither an address nor a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}`, which is neither an address nor a network")]
pub struct InvalidProxy(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    addr: IpAddr,
    /// How many of the first bits count.
    bits: u32,
}

impl TrustedProxies {
    /// Reads addresses (`10.0.0.7`) and networks (`10.0.0.0/8`, `fd00::/8`).
    ///
    /// # Errors
    /// The first that is neither.
    pub fn parse<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Self, InvalidProxy> {
        let networks: Result<Vec<Network>, _> = texts.into_iter().map(str::parse).collect();
        Ok(Self(networks?.into()))
    }

    /// Whether this is the address of a proxy that is trusted.
    #[must_use]
    pub fn has(&self, addr: IpAddr) -> bool {
        let addr = addr.to_canonical();
        self.0.iter().any(|network| network.has(addr))
    }

    /// Whom a request comes from that `addr` has sent: the last one on the way that is not a proxy of ours. What stands
    /// to the left of it, anybody may have written.
    #[must_use]
    pub fn named(&self, addr: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut named = addr;
        if !self.has(addr) {
            return named;
        }
        let noted: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
        let hops = noted
            .iter()
            .rev()
            .filter_map(|list| list.to_str().ok())
            .flat_map(|list| list.rsplit(','));
        for hop in hops {
            let Some(hop) = address(hop.trim()) else {
                break;
            };
            named = hop;
            if !self.has(hop) {
                break;
            }
        }
        named
    }
}

/// An address, perhaps with a port, as some proxies write it.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.parse().ok();
    let with_port = || Some(text.parse::<std::net::SocketAddr>().ok()?.ip());
    bare.or_else(with_port)
}

impl Network {
    /// `addr` is canonical.
    fn has(&self, addr: IpAddr) -> bool {
        let same = |a: u128, b: u128, width: u32| {
            let rest = width.saturating_sub(self.bits);
            // A shift by the whole width would overflow; nothing is compared then.
            a.checked_shr(rest) == b.checked_shr(rest)
        };
        match (self.addr, addr) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                same(u32::from(a).into(), u32::from(b).into(), u32::BITS)
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => same(a.into(), b.into(), u128::BITS),
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = InvalidProxy;

    fn from_str(text: &str) -> Result<Self, InvalidProxy> {
        let invalid = || InvalidProxy(text.to_owned());
        let (addr, bits) = match text.split_once('/') {
            Some((addr, bits)) => (addr, Some(bits)),
            None => (text, None),
        };
        let addr: IpAddr = addr.parse().map_err(|_| invalid())?;
        let most = if addr.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| invalid())?;
        if bits > most {
            return Err(invalid());
        }
        Ok(Self { addr, bits })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn proxies(texts: &[&str]) -> TrustedProxies {
        TrustedProxies::parse(texts.iter().copied()).unwrap_or_else(|e| panic!("{e}"))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn networks_hold_what_is_in_them() {
        let some = proxies(&["10.0.0.0/8", "192.0.2.7", "fd00::/8", "::1"]);
        for inside in [
            "10.255.0.1",
            "192.0.2.7",
            "fd12::1",
            "::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(some.has(ip(inside)), "{inside}");
        }
        for outside in ["11.0.0.1", "192.0.2.8", "fe80::1", "::2"] {
            assert!(!some.has(ip(outside)), "{outside}");
        }
        let all = proxies(&["0.0.0.0/0", "::/0"]);
        assert!(all.has(ip("203.0.113.9")) && all.has(ip("2001:db8::1")));
        for wrong in [
            "",
            "10.0.0.0/33",
            "10.0.0/8",
            "proxy.internal",
            "::/129",
            "10.0.0.1/",
        ] {
            assert!(TrustedProxies::parse([wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_peer_is_the_last_hop_that_is_no_proxy_of_ours() {
        let ours = proxies(&["10.0.0.0/8"]);
        let headers = |lists: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for list in lists {
                headers.append(FORWARDED_FOR, HeaderValue::from_static(list));
            }
            headers
        };
        for (from, lists, peer) in [
            ("10.0.0.1", &["203.0.113.9"][..], "203.0.113.9"),
            // What a client writes itself is to the left of what a proxy of ours adds.
            (
                "10.0.0.1",
                &["198.51.100.1, 203.0.113.9, 10.0.0.2"],
                "203.0.113.9",
            ),
            ("10.0.0.1", &["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9"),
            ("10.0.0.1", &["unknown, 10.0.0.3"], "10.0.0.3"),
            ("10.0.0.1", &[], "10.0.0.1"),
            // Nobody whom we trust says so.
            ("203.0.113.9", &["198.51.100.1"], "203.0.113.9"),
        ] {
            let found = ours.named(ip(from), &headers(lists));
            assert_eq!(found, ip(peer), "{from} {lists:?}");
        }
    }

    #[test]
    fn a_network_of_64_bits_is_one_peer() {
        assert_eq!(Peer::of(ip("2001:db8::1")), Peer::of(ip("2001:db8::ff:1")));
        assert_ne!(Peer::of(ip("2001:db8::1")), Peer::of(ip("2001:db8:0:1::1")));
        assert_eq!(Peer::of(ip("::ffff:192.0.2.1")), Peer::of(ip("192.0.2.1")));
        assert_ne!(Peer::of(ip("192.0.2.1")), Peer::of(ip("192.0.2.2")));
    }
}
