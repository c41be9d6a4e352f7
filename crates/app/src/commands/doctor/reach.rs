//! Whether what is configured can be reached from here.

use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::finding::{Finding, error, ok};
use crate::config::{OTLP_ENDPOINT, SENTRY_DSN, parse_dsn, sentry_origin};
use crate::failure::Failure;
use crate::registry::others;
use crate::secrets::Secrets;
use crate::session::Session;

const REACHED_WITHIN: Duration = Duration::from_secs(3);

pub(super) async fn all(session: &Session) -> Result<Vec<Finding>, Failure> {
    let secrets = Secrets::new(&session.config)?;
    let mut findings = Vec::new();
    findings.extend(vault(session, &secrets).await);
    findings.extend(unresolved(session, &secrets).await);
    let own = session.config.providers().filter_map(|(_, provider)| {
        Some((provider.name, (provider.origin)(session.config.sections())?))
    });
    for (name, origin) in own.chain(others(&session.config)) {
        let key = session.config.address_key(name);
        let key = key.unwrap_or_else(|| format!("the settings of {name}"));
        findings.push(provider(session, name, &origin, &key).await);
    }
    if let Some(origin) = sentry(session, &secrets).await {
        findings.push(provider(session, "sentry", &origin, SENTRY_DSN).await);
    }
    if let Some(telemetry) = &session.config.telemetry {
        findings.push(reach("collector", &telemetry.endpoint.origin(), OTLP_ENDPOINT).await);
    }
    Ok(findings)
}

/// Whether Vault may be read from. Whether we are let in is what the secrets say.
async fn vault(session: &Session, secrets: &Secrets) -> Option<Finding> {
    let settings = session.config.vault.as_ref()?;
    Some(match secrets.vault()?.health().await {
        Ok(()) => ok("vault", format!("{} is unsealed", settings.addr)),
        Err(error) => super::finding::error("vault", error.to_string(), error.cure()),
    })
}

async fn unresolved(session: &Session, secrets: &Secrets) -> Vec<Finding> {
    let findings = secrets.unresolved(&session.config).await;
    findings
        .into_iter()
        .map(|finding| {
            let text = format!("{} {}", finding.key, finding.problem);
            error("secrets", text, &finding.cure)
        })
        .collect()
}

/// Where errors are reported, without the key. A DSN that is none is among the secrets' findings.
async fn sentry(session: &Session, secrets: &Secrets) -> Option<String> {
    let settings = session.config.sentry.as_ref()?;
    let text = secrets.get(SENTRY_DSN, &settings.dsn).await.ok()?;
    let dsn = parse_dsn(text.current().expose_secret(), settings.only_https).ok()?;
    Some(sentry_origin(&dsn))
}

/// Whether a provider can be reached, and what the inventory says of it.
async fn provider(session: &Session, name: &'static str, origin: &str, key: &str) -> Finding {
    let mut finding = reach(name, origin, key).await;
    if let Some(listed) = session.config.listed(name) {
        finding.finding = format!("{} ({listed})", finding.finding);
    }
    finding
}

/// Whether something listens there: no request is made.
async fn reach(name: &'static str, origin: &str, key: &str) -> Finding {
    let Some((host, port)) = host_and_port(origin) else {
        return error(name, origin, format!("see {key}"));
    };
    match timeout(REACHED_WITHIN, TcpStream::connect((host.as_str(), port))).await {
        Ok(Ok(_)) => ok(name, format!("{origin} can be reached")),
        Ok(Err(failed)) => error(
            name,
            format!("{origin} cannot be reached: {failed}"),
            format!("check that this machine may connect there, and {key}"),
        ),
        Err(_) => error(
            name,
            format!("{origin} does not answer within 3 s"),
            "check for a firewall between",
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
