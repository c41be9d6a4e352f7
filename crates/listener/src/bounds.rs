//! How much a listener takes.

use std::time::Duration;

use rustix::process::{Resource, getrlimit};

use crate::peer::TrustedProxies;

/// Fewer connections than this are no listener.
const FEWEST: usize = 4;

/// The limits of one listener. Start from [`Bounds::public`] or [`Bounds::private`].
#[derive(Debug, Clone)]
pub struct Bounds {
    /// What it is called in metrics and logs.
    pub name: &'static str,
    /// The most connections at once.
    pub connections: usize,
    /// The most connections of one peer that have no complete request.
    pub per_peer: usize,
    /// How long a header may take to come, and how long a connection may wait for its next request.
    pub header_within: Duration,
    /// How long a body may take to come; for each MiB of it a second more.
    pub body_within: Duration,
    /// The largest body, in bytes.
    pub body_bytes: usize,
    /// All bodies that are held at once, in bytes.
    pub bodies_bytes: usize,
    /// Whose word is taken for where a request comes from.
    pub proxies: TrustedProxies,
}

impl Bounds {
    /// For a port that the world reaches: 1,024 connections, and at most half of the descriptors that this process may
    /// open. The rest is for Redis, providers and probes. A peer may have a quarter of the connections; bodies of 1 MiB,
    /// 64 MiB in all.
    #[must_use]
    pub fn public(name: &'static str) -> Self {
        Self::sharing(name, 1024, descriptors() / 2)
    }

    /// For a port that only the machines around reach, such as one for probes and metrics: 64 connections, and at most a
    /// sixteenth of the descriptors. Bodies of 16 KiB, 1 MiB in all.
    #[must_use]
    pub fn private(name: &'static str) -> Self {
        Self {
            body_bytes: 16 << 10,
            bodies_bytes: 1 << 20,
            ..Self::sharing(name, 64, descriptors() / 16)
        }
    }

    fn sharing(name: &'static str, most: usize, share: usize) -> Self {
        let connections = most.min(share).max(FEWEST);
        Self {
            name,
            connections,
            per_peer: (connections / 4).max(2),
            header_within: Duration::from_secs(10),
            body_within: Duration::from_secs(10),
            body_bytes: 1 << 20,
            bodies_bytes: 64 << 20,
            proxies: TrustedProxies::default(),
        }
    }
}

/// How many descriptors this process may have open.
fn descriptors() -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_takes_a_share_of_the_descriptors_and_no_more() {
        for (most, share, connections, per_peer) in [
            (1024, usize::MAX, 1024, 256),
            (1024, 512, 512, 128),
            (64, 64, 64, 16),
            // `ulimit -n 40`
            (64, 2, 4, 2),
        ] {
            let bounds = Bounds::sharing("test", most, share);
            assert_eq!(
                (bounds.connections, bounds.per_peer),
                (connections, per_peer)
            );
        }
    }
}
