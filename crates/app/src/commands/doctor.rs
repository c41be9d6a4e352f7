//! `doctor`: what may keep jobs from being kept or carried out, each finding with its cure.
//!
//! Nothing ends the examination: what cannot be found out is a finding, too. Only where no server answers is there nothing
//! to examine.

mod cron;
mod files;
mod finding;
mod producers;
mod queues;
mod reach;
mod server;
mod topology;

use std::time::Duration;

use longshore_queue::{Link, QueueError};
use tokio::time::timeout;

use self::finding::{Finding, Status, error, ok};
use crate::cli::Shown;
use crate::config::{RedisSettings, with_variable};
use crate::failure::Failure;
use crate::output;
use crate::redis_cure::cure;
use crate::session::Session;

/// How long Redis may take to answer for the first time.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

pub(super) async fn run(session: &Session, args: &Shown) -> Result<(), Failure> {
    let link = session.link()?;
    let entry = entry(&link).await;
    let mut findings = Vec::new();
    let mut away = None;
    match entry {
        Entry::In(finding) => {
            findings.push(finding);
            findings.extend(server::all(&link, &session.config).await);
            findings.extend(queues::all(session, &link).await?);
            findings.extend(cron::all(session, &link).await?);
        }
        Entry::Out(finding) => findings.push(finding),
        Entry::Away(finding, failure) => {
            findings.push(finding);
            away = Some(failure);
        }
    }
    findings.extend(reach::all(session).await?);
    findings.extend(files::all(session).await?);
    if args.json {
        output::json(&findings)?;
    } else {
        show(&findings)?;
    }
    if let Some(failure) = away {
        return Err(failure);
    }
    let wrong = findings
        .iter()
        .filter(|finding| finding.status == Status::Error);
    match wrong.count() {
        0 => Ok(()),
        wrong => Err(Failure::failed(output::counted(wrong as u64, "error"))),
    }
}

/// How far the connection came.
enum Entry {
    /// It can be asked.
    In(Finding),
    /// It answers, and does not let us in.
    Out(Finding),
    /// No server answers.
    Away(Finding, Failure),
}

async fn entry(link: &Link) -> Entry {
    let server = link.server();
    let away = |failure: Failure| {
        let cure = format!(
            "check that it runs, and check {}",
            with_variable(RedisSettings::URL)
        );
        Entry::Away(error("connection", failure.to_string(), cure), failure)
    };
    match timeout(ANSWERS_WITHIN, link.answers()).await {
        Ok(Ok(None)) => Entry::In(ok("connection", format!("{server} answers"))),
        // Whether that keeps jobs from being written is for the proof to say, and how it is set up may tell why.
        Ok(Ok(Some(words))) => Entry::In(error(
            "connection",
            format!("{server} answers with an error: {}", output::plain(&words)),
            cure(&words),
        )),
        Ok(Err(refused @ QueueError::NoEntry { .. })) => Entry::Out(error(
            "connection",
            refused.to_string(),
            format!(
                "check the user, password and database in {}",
                with_variable(RedisSettings::URL)
            ),
        )),
        Ok(Err(failed)) => away(failed.into()),
        Err(_) => away(Failure::Redis(format!(
            "Redis at {server} does not answer within {} s",
            ANSWERS_WITHIN.as_secs()
        ))),
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
