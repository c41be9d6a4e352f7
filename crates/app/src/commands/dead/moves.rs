//! `dead replay` and `dead discard`: what is meant, whether it is meant, and what came of it.

use indicatif::{ProgressBar, ProgressStyle};
use longshore_operator::{LetterFilter, Moved, Operator, Signed, Target};
use serde_json::json;

use super::super::jobs::marked;
use super::super::operations::follow;
use super::super::signals;
use crate::cli::{Discard, LetterFilters, ReplayArgs, Which};
use crate::failure::Failure;
use crate::output::{self, counted};
use crate::session::Session;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Replay,
    ReplayFresh,
    Discard,
}

impl Kind {
    /// What one would do, what was done, and what the letters are then.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Replay | Self::ReplayFresh => ("replay", "replayed", "pending again"),
            Self::Discard => ("discard", "discarded", "gone"),
        }
    }
}

/// What is to be done to dead letters.
pub(super) struct LetterChange {
    kind: Kind,
    target: Target,
    reason: String,
    yes: bool,
    detach: bool,
    json: bool,
}

impl From<ReplayArgs> for LetterChange {
    fn from(args: ReplayArgs) -> Self {
        Self {
            kind: match args.fresh_expiry {
                true => Kind::ReplayFresh,
                false => Kind::Replay,
            },
            target: target(args.which),
            reason: args.reason,
            yes: args.yes,
            detach: args.detach,
            json: args.json,
        }
    }
}

impl From<Discard> for LetterChange {
    fn from(args: Discard) -> Self {
        Self {
            kind: Kind::Discard,
            target: target(args.which),
            reason: args.reason.unwrap_or_default(),
            yes: args.yes,
            detach: args.detach,
            json: args.json,
        }
    }
}

pub(super) fn target(which: Which) -> Target {
    match which.ids.as_slice() {
        [] => letters(which.filters, which.limit),
        _ => Target::Ids(which.ids),
    }
}

/// Those of a queue or a group.
pub(super) fn letters(filters: LetterFilters, limit: Option<u64>) -> Target {
    Target::Letters {
        queue: filters.queue,
        group: filters.group,
        filter: LetterFilter {
            jobs: marked(filters.labels, filters.since),
            delivery: filters.delivery,
            most: limit,
        },
    }
}

pub(super) async fn run(session: &Session, change: LetterChange) -> Result<(), Failure> {
    let operator = session.operator().await?;
    let count = operator.count(&change.target).await?;
    let is_one = change.kind != Kind::Discard && count <= 1;
    if !change.yes && !is_one {
        confirm(change.kind.words().0, count)?;
    }
    let signed = session.signed(&change.reason);
    if change.kind == Kind::Discard && change.detach {
        return match operator.begin_discard(&change.target, &signed).await?.pop() {
            Some(row) => follow(session, &operator, row, true, change.json).await,
            None => print_moved(session, &change, &Moved::default()),
        };
    }
    let moved = with_progress(&operator, &change, count, &signed).await?;
    let (_, done, _) = change.kind.words();
    if moved.moved > 0 {
        let reason = Some(change.reason.as_str()).filter(|reason| !reason.is_empty());
        tracing::info!(by = session.by, reason, jobs = moved.moved, "{done}");
    }
    print_moved(session, &change, &moved)?;
    match moved.not_found.as_slice() {
        [] if !moved.forgotten.is_empty() => Err(Failure::failed(format!(
            "{} cannot be replayed: `longshore dead show ID` says when, and why, their person was forgotten",
            counted(moved.forgotten.len() as u64, "dead letter")
        ))),
        // A replay may be repeated: what was dead is pending then. Whoever discards a job that lives means another one.
        [] if matches!(change.kind, Kind::Discard) && !moved.skipped.is_empty() => {
            Err(Failure::failed(format!(
                "nothing was done to {} that {} not dead: `longshore jobs cancel ID` takes back what waits",
                counted(moved.skipped.len() as u64, "job"),
                if moved.skipped.len() == 1 {
                    "is"
                } else {
                    "are"
                }
            )))
        }
        [] => Ok(()),
        [id] => Err(Failure::failed(format!(
            "no queue knows the job {id}: it was discarded, or it completed a while ago"
        ))),
        ids => Err(Failure::failed(format!(
            "no queue knows {} of these jobs: they were discarded, or they completed a while ago\n{}",
            ids.len(),
            ids.join("\n")
        ))),
    }
}

/// Asks for a yes, where there is somebody to ask.
pub(super) fn confirm(what: &str, count: u64) -> Result<(), Failure> {
    let letters = counted(count, "dead letter");
    output::confirm(
        &format!("{what} {letters}"),
        &format!("this would {what} {letters}"),
    )
}

/// A bar on stderr, if that is a terminal, and it is worth it.
pub(in super::super) fn bar(count: u64) -> ProgressBar {
    let bar = match count {
        // Done before anybody could read it.
        ..1_000 => ProgressBar::hidden(),
        _ => ProgressBar::new(count),
    };
    // indicatif draws on stderr, and only on a terminal.
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len}  {eta}") {
        bar.set_style(style);
    }
    bar
}

async fn with_progress(
    operator: &Operator,
    change: &LetterChange,
    count: u64,
    signed: &Signed,
) -> Result<Moved, Failure> {
    let bar = bar(count);
    let progress = |moved| bar.set_position(moved);
    let moved = signals::unless_stopped(async {
        match change.kind {
            Kind::Replay => operator.replay(&change.target, signed, progress).await,
            Kind::ReplayFresh => {
                let replayed = operator.replay_with_fresh_expiry(&change.target, signed, progress);
                replayed.await
            }
            Kind::Discard => operator.discard(&change.target, signed, progress).await,
        }
    })
    .await?;
    bar.finish_and_clear();
    let (_, done, _) = change.kind.words();
    let letters = counted(bar.position(), "dead letter");
    match moved {
        Some(Ok(moved)) => Ok(moved),
        Some(Err(error)) => {
            if bar.position() > 0 {
                output::note(&format!(
                    "{done} {letters} before it failed; the same command continues with the rest"
                ));
            }
            Err(error.into())
        }
        None => {
            let rest = match (change.kind, &change.target) {
                (_, Target::Ids(_)) => "the same command continues with the rest",
                (Kind::Discard, _) => {
                    "workers continue with the rest: `longshore operations` shows the progress, and cancels"
                }
                (Kind::Replay | Kind::ReplayFresh, _) => {
                    "workers continue with the rest: `longshore dead replays` shows the progress, and cancels"
                }
            };
            Err(Failure::failed(format!(
                "stopped by a signal: {done} at least {letters}; {rest}"
            )))
        }
    }
}

fn print_moved(session: &Session, change: &LetterChange, moved: &Moved) -> Result<(), Failure> {
    let (_, done, now) = change.kind.words();
    if change.json {
        return session.done_json(&json!({
            done: moved.moved,
            "skipped": moved.skipped,
            "forgotten": moved.forgotten,
            "not_found": moved.not_found,
        }));
    }
    for id in &moved.forgotten {
        output::note(&format!(
            "{id} stays dead: its person was forgotten, and its args are gone for good"
        ));
    }
    for id in &moved.skipped {
        output::note(&format!("{id} is not dead: skipped"));
    }
    if moved.moved == 0 && !moved.forgotten.is_empty() {
        return Ok(());
    }
    let letters = counted(moved.moved, "dead letter");
    let are = if moved.moved == 1 { "is" } else { "are" };
    output::done(&match moved.moved {
        0 => format!("no dead letters to {}", change.kind.words().0),
        _ => format!("{letters} {are} {now}"),
    })
}
