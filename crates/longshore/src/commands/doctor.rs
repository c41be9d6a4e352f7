//! `doctor`: what may keep jobs from being kept or carried out, each finding with its cure.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_provider::secret::resolve;
use longshore_queue::{Link, ServerFacts};
use secrecy::ExposeSecret;
use serde::Serialize;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::cli::Shown;
use crate::config::{parse_dsn, sentry_origin};
use crate::failure::Failure;
use crate::output;
use crate::registry::{PROVIDERS, stand_ins};
use crate::session::Session;

/// The oldest Redis whose scripts can say when they may run.
const OLDEST: (u32, u32) = (7, 0);
/// From this share of its memory on, Redis needs looking after.
const MEMORY_SHARE: f64 = 0.7;
/// A round trip that takes longer slows every worker down.
const SLOW: Duration = Duration::from_millis(10);
/// Beyond this, times in logs of one machine and in Redis no longer fit together.
const CLOCKS_APART: Duration = Duration::from_secs(2);
const REACHED_WITHIN: Duration = Duration::from_secs(3);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Warning,
    Error,
}

#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    status: Status,
    finding: String,
    /// What to do; `None` where all is well.
    cure: Option<String>,
}

fn ok(check: &'static str, finding: impl Into<String>) -> Finding {
    Finding {
        check,
        status: Status::Ok,
        finding: finding.into(),
        cure: None,
    }
}

fn bad(check: &'static str, status: Status, finding: impl Into<String>, cure: &str) -> Finding {
    Finding {
        check,
        status,
        finding: finding.into(),
        cure: Some(cure.to_owned()),
    }
}

pub(super) async fn run(session: &Session, args: &Shown) -> Result<(), Failure> {
    let link = session.reached().await?;
    let facts = link.server_facts().await?;
    let mut findings = server(&facts);
    findings.push(latency(&link).await?);
    findings.push(clock(&link).await?);
    findings.extend(secrets(session));
    for known in PROVIDERS {
        if let Some(origin) = (known.origin)(&session.config) {
            let key = format!("providers.{}.base_url", known.name);
            findings.push(provider(session, known.name, &origin, &key).await);
        }
    }
    for (name, origin) in stand_ins(&session.config) {
        let key = format!("providers.{name}.base_url");
        findings.push(provider(session, name, &origin, &key).await);
    }
    if let Some(origin) = sentry(session) {
        findings.push(provider(session, "sentry", &origin, "providers.sentry.dsn").await);
    }
    let wrong = findings
        .iter()
        .filter(|finding| finding.status == Status::Error)
        .count();
    if args.json {
        output::json(&findings)?;
    } else {
        show(&findings)?;
    }
    match wrong {
        0 => Ok(()),
        wrong => Err(Failure::failed(output::counted(wrong as u64, "error"))),
    }
}

fn show(findings: &[Finding]) -> Result<(), Failure> {
    for finding in findings {
        let mark = match finding.status {
            Status::Ok => "ok",
            Status::Warning => "warning",
            Status::Error => "error",
        };
        output::line(&format!(
            "{mark:<8} {:<14} {}",
            finding.check, finding.finding
        ))?;
        if let Some(cure) = &finding.cure {
            output::line(&format!("{:<23} -> {cure}", ""))?;
        }
    }
    Ok(())
}

fn server(facts: &ServerFacts) -> Vec<Finding> {
    let unknown = || "it does not say".to_owned();
    let version = facts.version.clone().unwrap_or_else(unknown);
    let number = |part: Option<&str>| part.and_then(|part| part.parse::<u32>().ok());
    let mut parts = version.split('.');
    let version = match (number(parts.next()), number(parts.next())) {
        (Some(major), Some(minor)) if (major, minor) < OLDEST => bad(
            "version",
            Status::Error,
            format!("Redis {version}"),
            "use Redis 7.0 or newer, or Valkey",
        ),
        _ => ok("version", format!("Redis {version}")),
    };
    let role = match facts.role.as_deref() {
        Some("slave") => bad(
            "role",
            Status::Error,
            "a replica, which takes no jobs",
            "name the primary in redis.url",
        ),
        role => ok("role", role.unwrap_or("it does not say")),
    };
    let policy = match facts.eviction_policy.as_deref() {
        Some("noeviction") => ok("eviction", "noeviction"),
        Some(policy) => bad(
            "eviction",
            Status::Error,
            format!("{policy}: it would drop jobs when memory is full"),
            "set `maxmemory-policy noeviction`",
        ),
        None => ok("eviction", unknown()),
    };
    let persistence = match (facts.append_only, facts.persists) {
        (_, Some(false)) => bad(
            "persistence",
            Status::Error,
            "the last write to disk failed",
            "look at Redis's log and at the free space of its disk",
        ),
        (Some(true), _) => ok("persistence", "append-only file"),
        (Some(false), _) => bad(
            "persistence",
            Status::Warning,
            "no append-only file: what was enqueued since the last snapshot is lost if it stops",
            "set `appendonly yes`",
        ),
        (None, _) => ok("persistence", unknown()),
    };
    vec![version, role, policy, persistence, memory(facts)]
}

fn memory(facts: &ServerFacts) -> Finding {
    let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
    let used = facts.used_memory.unwrap_or(0);
    match facts.max_memory {
        Some(most) if most > 0 => {
            let share = used as f64 / most as f64;
            let text = format!("{} of {} ({:.0} %)", mib(used), mib(most), share * 100.0);
            if share < MEMORY_SHARE {
                ok("memory", text)
            } else {
                bad(
                    "memory",
                    Status::Warning,
                    text,
                    "raise `maxmemory`, lower completed_bytes, or see why jobs wait: `longshore queues`",
                )
            }
        }
        _ => ok("memory", format!("{}, no limit set", mib(used))),
    }
}

/// The middle one of some round trips.
async fn latency(link: &Link) -> Result<Finding, Failure> {
    let mut trips = Vec::new();
    for _ in 0..21 {
        let sent = Instant::now();
        link.ping().await?;
        trips.push(sent.elapsed());
    }
    trips.sort();
    let middle = trips[trips.len() / 2];
    let text = format!("{:.2} ms a round trip", middle.as_secs_f64() * 1000.0);
    Ok(if middle < SLOW {
        ok("latency", text)
    } else {
        let cure = "run the workers nearer to Redis, and look at its SLOWLOG";
        bad("latency", Status::Warning, text, cure)
    })
}

/// Workers' clocks do not matter to jobs; they do to whoever reads the logs.
async fn clock(link: &Link) -> Result<Finding, Failure> {
    let sent = Instant::now();
    let theirs = Duration::from_millis(link.now_ms().await?);
    let ours = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let apart = ours.abs_diff(theirs).saturating_sub(sent.elapsed());
    let text = format!("{:.1} s apart from Redis's", apart.as_secs_f64());
    Ok(if apart < CLOCKS_APART {
        ok("clock", text)
    } else {
        let cure = "set the clocks by NTP; jobs go by Redis's clock, so they are not harmed";
        bad("clock", Status::Warning, text, cure)
    })
}

fn secrets(session: &Session) -> Vec<Finding> {
    session
        .config
        .unresolved()
        .into_iter()
        .map(|finding| {
            let text = format!("{} {}", finding.key, finding.problem);
            bad("secrets", Status::Error, text, &finding.cure)
        })
        .collect()
}

/// Where errors are reported, without the key. A DSN that is none is among the secrets' findings.
fn sentry(session: &Session) -> Option<String> {
    let settings = session.config.sentry.as_ref()?;
    let text = resolve(settings.dsn.expose_secret()).ok()?;
    let dsn = parse_dsn(text.expose_secret(), settings.only_https).ok()?;
    Some(sentry_origin(&dsn))
}

/// Whether something listens there: no request is made.
/// Whether a provider can be reached, and what the inventory says of it.
async fn provider(session: &Session, name: &'static str, origin: &str, key: &str) -> Finding {
    let mut finding = reach(name, origin, key).await;
    if let Some(listed) = session.config.listed(name) {
        finding.finding = format!("{} ({listed})", finding.finding);
    }
    finding
}

async fn reach(name: &'static str, origin: &str, key: &str) -> Finding {
    let Some((host, port)) = host_and_port(origin) else {
        return bad(name, Status::Error, origin, &format!("see {key}"));
    };
    match timeout(REACHED_WITHIN, TcpStream::connect((host.as_str(), port))).await {
        Ok(Ok(_)) => ok(name, format!("{origin} can be reached")),
        Ok(Err(error)) => bad(
            name,
            Status::Error,
            format!("{origin} cannot be reached: {error}"),
            &format!("see whether this machine may go out there, and {key}"),
        ),
        Err(_) => bad(
            name,
            Status::Error,
            format!("{origin} does not answer within 3 s"),
            "see whether a firewall is in between",
        ),
    }
}

fn host_and_port(origin: &str) -> Option<(String, u16)> {
    let url = url::Url::parse(origin).ok()?;
    let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
    Some((host, url.port_or_known_default()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statuses(facts: &ServerFacts) -> Vec<(&'static str, Status)> {
        server(facts)
            .iter()
            .filter(|finding| finding.status != Status::Ok)
            .map(|finding| {
                assert!(finding.cure.is_some(), "{finding:?} has no cure");
                (finding.check, finding.status)
            })
            .collect()
    }

    fn good() -> ServerFacts {
        ServerFacts {
            version: Some("7.0.15".to_owned()),
            eviction_policy: Some("noeviction".to_owned()),
            append_only: Some(true),
            persists: Some(true),
            role: Some("master".to_owned()),
            used_memory: Some(1 << 30),
            max_memory: Some(2 << 30),
        }
    }

    #[test]
    fn each_thing_that_is_wrong_is_found_with_its_cure() {
        assert_eq!(statuses(&good()), []);
        assert_eq!(
            statuses(&ServerFacts::default()),
            [],
            "what it does not say is not held against it"
        );
        let with = |change: fn(&mut ServerFacts)| {
            let mut facts = good();
            change(&mut facts);
            statuses(&facts)
        };
        assert_eq!(
            with(|f| f.version = Some("6.2.7".to_owned())),
            [("version", Status::Error)]
        );
        assert_eq!(
            with(|f| f.role = Some("slave".to_owned())),
            [("role", Status::Error)]
        );
        assert_eq!(
            with(|f| f.eviction_policy = Some("allkeys-lru".to_owned())),
            [("eviction", Status::Error)]
        );
        assert_eq!(
            with(|f| f.append_only = Some(false)),
            [("persistence", Status::Warning)]
        );
        assert_eq!(
            with(|f| f.persists = Some(false)),
            [("persistence", Status::Error)]
        );
        assert_eq!(
            with(|f| f.used_memory = Some(3 << 29)),
            [("memory", Status::Warning)]
        );
    }

    #[test]
    fn origins_are_taken_apart() {
        let at = |origin| host_and_port(origin);
        assert_eq!(
            at("https://api.sendgrid.com"),
            Some(("api.sendgrid.com".to_owned(), 443))
        );
        assert_eq!(at("http://[::1]:9480"), Some(("::1".to_owned(), 9480)));
        assert_eq!(at("nonsense"), None);
    }
}
