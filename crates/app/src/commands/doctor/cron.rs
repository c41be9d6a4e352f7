//! Cron entries that somebody has stopped.

use std::collections::BTreeSet;

use longshore_cron::ScheduledEntry;
use longshore_queue::{Link, Queue};

use super::finding::{Finding, warning};
use crate::commands::queues::paused;
use crate::failure::Failure;
use crate::output::plain;
use crate::session::Session;

pub(super) async fn all(session: &Session, link: &Link) -> Result<Vec<Finding>, Failure> {
    let entries = || session.config.cron.iter().map(|settings| &settings.entry);
    let queues: BTreeSet<&str> = entries().map(ScheduledEntry::queue).collect();
    let mut findings = Vec::new();
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
