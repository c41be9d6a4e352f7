//! A server with replicas, and Sentinels that decide which of them is the primary.

use std::io;
use std::time::Duration;

use super::probe::wait_until;
use super::{RedisServer, RedisServerError, RedisServerOptions, io_error};

/// How long the Sentinels may take to find each other and the replicas: they look every two seconds, or every ten.
const FORMED_WITHIN: Duration = Duration::from_secs(30);

/// Servers that copy each other, and the Sentinels that watch them. They are gone when this is.
#[derive(Debug)]
pub struct RedisSentinels {
    /// The servers; the first was the primary at the start.
    pub servers: Vec<RedisServer>,
    /// Those who watch.
    pub sentinels: Vec<RedisServer>,
    name: String,
}

impl RedisSentinels {
    /// Starts a primary, replicas, and as many Sentinels as there are servers, and waits until each Sentinel knows all others.
    /// `settings` is a Sentinel's file of settings, in which the line `sentinel monitor` has the primary's name and how many have
    /// to agree; the address there is replaced by the primary's own.
    ///
    /// # Errors
    /// When one does not come up, the file has no such line, or they do not find each other.
    pub fn start(
        options: &RedisServerOptions,
        replicas: usize,
        settings: &str,
    ) -> Result<Self, RedisServerError> {
        let primary = options.clone().start()?;
        let monitor = settings
            .lines()
            .find(|line| line.starts_with("sentinel monitor "))
            .ok_or_else(|| wrong("a Sentinel's settings lack `sentinel monitor`"))?;
        let words: Vec<&str> = monitor.split_whitespace().collect();
        let &[_, _, name, _, _, quorum] = words.as_slice() else {
            return Err(wrong("`sentinel monitor` has not the words of one"));
        };
        let port = primary.port_among_servers();
        let here = format!("sentinel monitor {name} 127.0.0.1 {port} {quorum}");
        let settings = settings.replace(monitor, &here);
        let name = name.to_owned();
        let mut servers = vec![primary];
        for _ in 0..replicas {
            let replica = servers[0].replica_with(options.clone())?;
            servers.push(replica);
        }
        let mut sentinels = Vec::new();
        for _ in &servers {
            sentinels.push(RedisServer::sentinel_with(
                settings.clone(),
                options.tls.clone(),
            )?);
        }
        let formed = Self {
            servers,
            sentinels,
            name,
        };
        formed.wait_until_formed(replicas)?;
        Ok(formed)
    }

    fn wait_until_formed(&self, replicas: usize) -> Result<(), RedisServerError> {
        let all = format!("slaves={replicas},sentinels={}", self.sentinels.len());
        wait_until("waiting for the Sentinels", FORMED_WITHIN, || {
            for sentinel in &self.sentinels {
                if !sentinel.send_command("INFO sentinel")?.contains(&all) {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// What the Sentinels call the primary.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The URLs of the Sentinels, by TLS where they have it, with commas between them.
    #[must_use]
    pub fn urls(&self) -> String {
        let urls: Vec<_> = self.sentinels.iter().map(RedisServer::tls_url).collect();
        urls.join(",")
    }

    /// Which server is the primary, as the last of the Sentinels sees it.
    ///
    /// # Errors
    /// When it does not say.
    pub fn primary(&self) -> Result<usize, RedisServerError> {
        let last = self.sentinels.last();
        let last = last.ok_or_else(|| wrong("there is no Sentinel"))?;
        let ask = format!("SENTINEL GET-MASTER-ADDR-BY-NAME {}", self.name);
        let said = last.send_command(&ask)?;
        let port = |server: &RedisServer| {
            said.lines()
                .any(|l| l == server.port_among_servers().to_string())
        };
        let place = self.servers.iter().position(port);
        place.ok_or_else(|| wrong("the primary is none of the servers"))
    }

    /// Has a replica take the primary's place, though nothing has happened to it: a planned failover.
    ///
    /// # Errors
    /// When the Sentinel refuses.
    pub fn fail_over(&self) -> Result<(), RedisServerError> {
        let ask = format!("SENTINEL FAILOVER {}", self.name);
        self.sentinels[0].send_command(&ask).map(drop)
    }
}

fn wrong(what: &'static str) -> RedisServerError {
    io_error(what, io::ErrorKind::InvalidInput.into())
}
