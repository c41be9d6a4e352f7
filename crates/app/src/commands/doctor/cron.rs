//! Cron entries that do not tick: since somebody has stopped them, or since their jobs would be refused.

use std::collections::BTreeSet;

use longshore_cron::ScheduledEntry;
use longshore_queue::{Link, Queue};

use super::finding::{Finding, ok, warning};
use crate::commands::queues::paused;
use crate::failure::Failure;
use crate::output::plain;
use crate::registry;
use crate::session::Session;

pub(super) async fn all(session: &Session, link: &Link) -> Result<Vec<Finding>, Failure> {
    let entries = || session.config.cron.iter().map(|settings| &settings.entry);
    let queues: BTreeSet<&str> = entries().map(ScheduledEntry::queue).collect();
    let mut findings: Vec<_> = silent(session).collect();
    for name in queues {
        let namespace = &session.config.redis.namespace;
        let queue = Queue::new(link.clone(), namespace, name).map_err(Failure::input)?;
        let book = match queue.cron_book().await {
            Ok(book) => book,
            // That was said of its writes.
            Err(error) if queue.primary_away(&error).await.is_some() => continue,
            Err(error) => {
                let text = format!("{name}: which cron entries are paused cannot be read: {error}");
                let cure = "mend what is said of the queue's keys and of its writes";
                findings.push(warning("cron", plain(&text), cure));
                continue;
            }
        };
        for entry in entries().filter(|entry| entry.queue() == name) {
            let name = entry.name();
            findings.extend(book.paused(name).map(|pause| {
                let text = format!("cron entry {}", paused(name, &pause.into()));
                let cure = format!("`longshore cron resume {name}` when it is to tick again");
                warning("cron", plain(&text), cure)
            }));
        }
    }
    Ok(findings)
}

/// Those that the configuration itself keeps from ticking although their provider is on. That is as it was set: it is only said.
fn silent(session: &Session) -> impl Iterator<Item = Finding> {
    let config = &session.config;
    let enabled = config.cron.iter().filter(|settings| settings.enabled);
    enabled.filter_map(|settings| {
        let integration = config.integration_of(settings.entry.queue())?;
        let why = registry::inactive(config, settings)
            .filter(|_| registry::is_on(config, integration))?;
        let text = format!("{} does not tick: {why}", settings.entry.name());
        Some(ok("cron", plain(&text)))
    })
}
