//! `forget`: one person's data, wherever it stands in jobs.

use std::io::Read;

use longshore_job::{Person, PersonForm};
use longshore_operator::{OperationRow, Operator, PersonPreview, Suppressed};
use serde_json::json;

use super::jobs::looking;
use super::operations::{came_to, wait_for};
use crate::cli::ForgetArgs;
use crate::failure::Failure;
use crate::output::{self, counted, or_dash};
use crate::session::Session;

pub(super) async fn run(session: &Session, args: ForgetArgs) -> Result<(), Failure> {
    let text = match args.person.as_str() {
        "-" => from_stdin()?,
        text => text.to_owned(),
    };
    let text = text.trim();
    let person = Person::parse(text).map_err(Failure::input)?;
    check(&args, &person, session)?;
    let operator = session.operator().await?;
    output::note("looking through all jobs");
    let found = preview(&operator, &person, text).await?;
    if args.dry_run {
        return rehearsed(&args, &found);
    }
    let (unsuppress, unmap) = (
        args.suppressions && found.suppressed,
        args.mappings && found.mapped,
    );
    if found.jobs > 0 || unsuppress || unmap {
        let what = format!("forget {} in {}", found.person, counted(found.jobs, "job"));
        if !args.yes {
            for line in lines(&args, &found) {
                output::note(&line);
            }
            output::confirm(&what, &format!("this would {what}"))?;
        }
    }
    let signed = session.signed(args.reason.as_deref().unwrap_or_default());
    let mut rows = operator.begin_forget(&person, &found, &signed).await?;
    if unsuppress && let Some((channel, hash)) = Suppressed::of_person(&person) {
        let row = operator.suppression(channel, &hash).await?;
        operator.unsuppress(channel, &row, &signed).await?;
    }
    if unmap {
        operator.forget_mapping(&person, text, &signed).await?;
    }
    if !args.detach {
        for row in &mut rows {
            *row = wait_for(&operator, row.clone()).await?;
        }
    }
    if args.json {
        session.done_json(&json!({
            "person": found.person, "operations": rows, "unsuppressed": unsuppress, "unmapped": unmap,
        }))?;
    } else {
        told(&args, &found, &rows)?;
    }
    ended(&args, &found, &rows)
}

fn from_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    let stdin = std::io::stdin().lock();
    let read = stdin.take(1024).read_to_string(&mut text);
    read.map_err(|error| Failure::input(format!("the person cannot be read from stdin: {error}")))?;
    Ok(text)
}

fn check(args: &ForgetArgs, person: &Person, session: &Session) -> Result<(), Failure> {
    let reason = args.reason.as_deref().unwrap_or_default();
    if person.is_in(reason.as_bytes()) || person.is_in(format!("\"{reason}\"").as_bytes()) {
        return Err(Failure::input(
            "--reason: it names the person, and the audit keeps it: write the number of the request instead",
        ));
    }
    if person.is_in(session.by.as_bytes()) {
        return Err(Failure::input(
            "--as: it names the person, and the audit keeps it: use another name",
        ));
    }
    if args.suppressions && person.form() == PersonForm::Id {
        return Err(Failure::input(
            "--suppressions: only addresses and numbers are on those lists",
        ));
    }
    if args.mappings && person.form() != PersonForm::Id {
        return Err(Failure::input(
            "--mappings: only users are mapped, by their ids",
        ));
    }
    Ok(())
}

async fn preview(
    operator: &Operator,
    person: &Person,
    text: &str,
) -> Result<PersonPreview, Failure> {
    let bar = looking();
    let found = operator
        .preview_forget(person, text, |looked| bar.set_position(looked))
        .await;
    bar.finish_and_clear();
    Ok(found?)
}

fn rehearsed(args: &ForgetArgs, found: &PersonPreview) -> Result<(), Failure> {
    match args.json {
        true => output::json(found),
        false => output::line(&lines(args, found).join("\n")),
    }
}

/// What would be done, by queue, kind and state, and what would stay.
fn lines(args: &ForgetArgs, found: &PersonPreview) -> Vec<String> {
    let rows = found.found.iter().map(|row| {
        let would = match row.would {
            "cancel" => "be cancelled and stripped",
            "stop" => "be asked to stop, then stripped",
            "strip" => "be stripped",
            _ => "stay: the queue cannot be read",
        };
        vec![
            row.queue.clone(),
            or_dash(row.kind.clone()),
            or_dash(row.state),
            row.jobs.to_string(),
            row.mentioned.to_string(),
            row.may_have_been_sent.to_string(),
            output::marked(would.to_owned(), row.broken.as_deref()),
        ]
    });
    let mut lines = Vec::new();
    if !found.found.is_empty() {
        let header = [
            "queue",
            "kind",
            "state",
            "jobs",
            "only mention",
            "may be sent",
            "would",
        ];
        lines = output::table_lines(&header, rows.collect());
    }
    lines.push(format!(
        "{}: in {}",
        found.person,
        counted(found.jobs, "job")
    ));
    lines.extend(stays(args, found));
    lines
}

/// What there is beside jobs, and what becomes of it.
fn stays(args: &ForgetArgs, found: &PersonPreview) -> Vec<String> {
    let mut lines = Vec::new();
    if found.suppressed {
        lines.push(match args.suppressions {
            true => "it comes off the suppression list: messages to it go out again".to_owned(),
            false => "it stays on the suppression list, as a hash, so that nothing is sent to it; --suppressions takes it off".to_owned(),
        });
    }
    if found.mapped {
        lines.push(match args.mappings {
            true => "which customer at the payment provider this is, is forgotten".to_owned(),
            false => {
                "which customer at the payment provider this is stays known; --mappings forgets it"
                    .to_owned()
            }
        });
    }
    lines
}

fn told(args: &ForgetArgs, found: &PersonPreview, rows: &[OperationRow]) -> Result<(), Failure> {
    if rows.is_empty() {
        output::done(&format!("{} is in no job", found.person))?;
    }
    for row in rows {
        output::done(&match row.is_open() {
            true => format!(
                "{}: {} continues in the fleet: `longshore operations show {}` shows its progress",
                row.queue, row.id, row.id
            ),
            false => format!("{}: {}", row.queue, came_to(row)),
        })?;
    }
    for line in stays(args, found) {
        output::done(&line)?;
    }
    Ok(())
}

/// It failed where an operation was ended by somebody, or a queue could not be read.
fn ended(args: &ForgetArgs, found: &PersonPreview, rows: &[OperationRow]) -> Result<(), Failure> {
    let mut left: Vec<String> = Vec::new();
    for row in rows
        .iter()
        .filter(|row| !args.detach && row.state != "done")
    {
        left.push(format!(
            "{} is {}: `longshore operations resume {}` continues it",
            row.id, row.state, row.id
        ));
    }
    for row in &found.found {
        left.extend(
            row.broken
                .as_ref()
                .map(|why| format!("{} was not looked through: {why}", row.queue)),
        );
    }
    match left.is_empty() {
        true => Ok(()),
        false => Err(Failure::failed(left.join("\n"))),
    }
}
