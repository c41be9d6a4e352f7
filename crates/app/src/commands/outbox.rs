//! `outbox`: carries jobs from the app's Postgres into the queue; and what is held there.

use std::sync::Arc;

use jiff::Timestamp;
use longshore_job::Kinds;
use longshore_operator::Signed;
use longshore_outbox::{BoundCarrier, Carrier, CarrierError, CarrierOptions, HeldRows};
use longshore_provider::secret::Secret;
use longshore_queue::{Note, Queue, QueueError};
use serde::Serialize;

use super::{log_warnings, signals};
use crate::age::ago;
use crate::cli::{DiscardHeld, HeldArgs, OutboxArgs, OutboxCommand, RetryHeld};
use crate::config::{OutboxSettings, with_variable};
use crate::failure::Failure;
use crate::output::{self, counted};
use crate::secrets::Secrets;
use crate::session::Session;

pub(super) async fn run(session: &Session, args: OutboxArgs) -> Result<(), Failure> {
    match args.command {
        None => carry(session).await,
        Some(OutboxCommand::Schema) => {
            output::write(&session.config.outbox.table.schema()).map_err(Failure::failed)
        }
        Some(OutboxCommand::Held(args)) => held(session, &args).await,
        Some(OutboxCommand::Retry(args)) => retry(session, &args).await,
        Some(OutboxCommand::Discard(args)) => discard(session, &args).await,
    }
}

async fn carry(session: &Session) -> Result<(), Failure> {
    log_warnings(session);
    let ended = signals::EndedBySignal {
        early: "before any row was carried",
        cut_off: "cut off in the middle of a batch; the next carrier carries it again, and each job is enqueued once",
    };
    signals::serve(listen(session), BoundCarrier::carry, ended).await
}

async fn listen(session: &Session) -> Result<BoundCarrier, Failure> {
    let settings = &session.config.outbox;
    let secrets = Arc::new(Secrets::new(&session.config)?);
    let database_url = database_url(session, &secrets).await?;
    let link = session.link()?;
    tracing::info!("on {}", session.target(&link));
    secrets.keep_fresh(session.config.reread);
    let options = CarrierOptions {
        database_url,
        ca_file: settings.ca_file.clone(),
        table: settings.table.clone(),
        private_addr: settings.private_addr,
    };
    let queue = |name: &str| Queue::new(link.clone(), &session.config.redis.namespace, name);
    // A row whose kind has no queue here waits for a carrier that knows one.
    let kinds = Kinds::new(session.config.kinds().in_queues().copied());
    let carrier = Carrier::new(options, &link, kinds, queue);
    let carrier = carrier.map_err(|error| Failure::input(of_settings(&error)))?;
    carrier
        .listen()
        .await
        .map_err(|error| Failure::failed(format!("{}: {error}", OutboxSettings::PRIVATE_ADDR)))
}

/// Which key is wrong, and how.
fn of_settings(error: &CarrierError) -> String {
    use longshore_outbox::DatabaseError;
    match error {
        CarrierError::Database(error @ DatabaseError::Url(_)) => {
            format!("{} {error}", with_variable(OutboxSettings::DATABASE_URL))
        }
        CarrierError::Database(error @ DatabaseError::Authority(_)) => {
            format!("{}: {error}", with_variable(OutboxSettings::CA_FILE))
        }
        other => other.to_string(),
    }
}

async fn database_url(session: &Session, secrets: &Secrets) -> Result<Secret, Failure> {
    let key = OutboxSettings::DATABASE_URL;
    let Some(url) = &session.config.outbox.database_url else {
        return Err(Failure::input(format!(
            "set {}, the database that the app writes its jobs into",
            with_variable(key)
        )));
    };
    secrets.get(key, url).await
}

async fn held_rows(session: &Session) -> Result<HeldRows, Failure> {
    let settings = &session.config.outbox;
    let secrets = Secrets::new(&session.config)?;
    let url = database_url(session, &secrets).await?;
    let rows = HeldRows::open(url, settings.ca_file.as_deref(), settings.table.clone()).await;
    rows.map_err(Failure::failed)
}

/// A row as it is shown.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    kind: String,
    code: String,
    reason: String,
    created_at: String,
    held_at: String,
}

async fn held(session: &Session, args: &HeldArgs) -> Result<(), Failure> {
    let rows = held_rows(session).await?.list(args.limit).await;
    let rows = rows.map_err(Failure::failed)?.into_iter().map(|row| Row {
        id: row.id,
        kind: row.kind,
        code: row.code,
        reason: row.reason,
        created_at: at(row.created_at_ms),
        held_at: at(row.held_at_ms),
    });
    let rows: Vec<Row> = rows.collect();
    if args.json {
        return output::json(&rows);
    }
    if rows.is_empty() {
        output::note("no rows are held");
        return Ok(());
    }
    let cells = rows.into_iter().map(|row| {
        let (created, held) = (ago(&row.created_at), ago(&row.held_at));
        vec![row.id, row.kind, row.code, created, held, row.reason]
    });
    output::table(
        &["id", "kind", "code", "inserted", "held", "reason"],
        cells.collect(),
    )
}

fn at(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| "?".to_owned(), |at| at.to_string())
}

async fn retry(session: &Session, args: &RetryHeld) -> Result<(), Failure> {
    let rows = held_rows(session).await?;
    let signed = session.signed(&args.reason);
    let done = rows
        .retry(&args.ids, args.force)
        .await
        .map_err(Failure::failed)?;
    note(session, &signed, "outbox_retry", &done).await?;
    let else_held = "it is not held, or was first tried more than 24 hours ago: look whether its job is known by `longshore job ID`, \
                     then use --force or `longshore outbox discard`";
    told(
        session,
        &args.ids,
        &done,
        "waits again",
        else_held,
        args.json,
    )
}

async fn discard(session: &Session, args: &DiscardHeld) -> Result<(), Failure> {
    if !args.yes {
        let rows = counted(args.ids.len() as u64, "row");
        output::confirm(
            &format!("delete {rows}"),
            &format!("this would delete {rows}, whose jobs are then carried by nobody"),
        )?;
    }
    let rows = held_rows(session).await?;
    let signed = session.signed(&args.reason);
    let done = rows.discard(&args.ids).await.map_err(Failure::failed)?;
    note(session, &signed, "outbox_discard", &done).await?;
    told(
        session,
        &args.ids,
        &done,
        "is deleted",
        "it is not held",
        args.json,
    )
}

/// Writes it into the audit of each row's queue.
async fn note(
    session: &Session,
    signed: &Signed,
    action: &str,
    done: &[(String, String)],
) -> Result<(), Failure> {
    let link = session.link()?;
    for (id, kind) in done {
        // A row of no kind of this program's has no queue.
        let mut specs = session.config.kinds().in_queues();
        let Some(spec) = specs.find(|spec| spec.kind == kind) else {
            output::note(&format!(
                "{id}: no audit has it, since its kind has no queue here"
            ));
            continue;
        };
        let queue = Queue::new(link.clone(), &session.config.redis.namespace, spec.queue);
        let note = Note {
            action,
            target: id,
            ..Note::default()
        };
        let queue = queue.map_err(Failure::input)?;
        queue
            .note(signed, &note)
            .await
            .map_err(|error: QueueError| {
                Failure::failed(format!(
                    "{id}: it was done, and the audit could not be written: {error}"
                ))
            })?;
    }
    Ok(())
}

/// Says what became of each.
fn told(
    session: &Session,
    ids: &[String],
    done: &[(String, String)],
    what: &str,
    otherwise: &str,
    json: bool,
) -> Result<(), Failure> {
    let is_done = |id: &String| done.iter().any(|(of, _)| of == id);
    if json {
        let ids: Vec<&String> = done.iter().map(|(id, _)| id).collect();
        session.done_json(&serde_json::json!({ "ids": ids }))?;
    } else {
        for id in ids.iter().filter(|id| is_done(id)) {
            output::done(&format!("{id} {what}"))?;
        }
    }
    let left: Vec<&String> = ids.iter().filter(|id| !is_done(id)).collect();
    for id in &left {
        output::note(&format!("{id}: {otherwise}"));
    }
    match left.is_empty() {
        true => Ok(()),
        false => Err(Failure::failed(format!(
            "{} left as it was",
            counted(left.len() as u64, "row")
        ))),
    }
}
