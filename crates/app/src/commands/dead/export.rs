//! `dead export`: out to a file, and only then, if asked, out of Redis.

use super::super::signals;
use super::moves::{bar, confirm, letters};
use crate::cli::Export;
use crate::failure::Failure;
use crate::output::{self, counted};
use crate::session::Session;

pub(super) async fn run(session: &Session, args: Export) -> Result<(), Failure> {
    let target = letters(args.filters, args.limit);
    let operator = session.operator().await?;
    let count = operator.count(&target).await?;
    if args.discard && !args.yes {
        confirm("export and discard", count)?;
    }
    let signed = session.signed(args.reason.as_deref().unwrap_or_default());
    let file = args.file.display();
    let progress = bar(count);
    let exporting = operator.export(&target, &args.file, &signed, |n| progress.set_position(n));
    let exported = signals::unless_stopped(exporting).await?;
    progress.finish_and_clear();
    let mut exported = exported.ok_or_else(|| {
        Failure::failed(format!(
            "stopped by a signal before {file} was complete; nothing was discarded"
        ))
    })??;
    if args.discard && exported.exported > 0 {
        let progress = bar(exported.exported);
        let gone =
            operator.discard_exported(&target, &args.file, &signed, |n| progress.set_position(n));
        let gone = signals::unless_stopped(gone).await?;
        progress.finish_and_clear();
        if !matches!(gone, Some(Ok(_))) {
            let letters = counted(progress.position(), "dead letter");
            output::note(&format!(
                "{file} is complete; at least {letters} of it were discarded, the others are still dead letters"
            ));
        }
        exported.discarded = gone.ok_or_else(|| Failure::failed("stopped by a signal"))??;
    }
    if args.json {
        return session.done_json(&exported);
    }
    let letters = counted(exported.exported, "dead letter");
    output::done(&match args.discard {
        false => format!("{letters} written to {file}"),
        true => format!(
            "{letters} written to {file}; {} of them discarded",
            exported.discarded
        ),
    })?;
    if exported.left_out > 0 {
        output::note(&format!(
            "{} stay in Redis: their payloads are too large to be read",
            counted(exported.left_out, "letter")
        ));
    }
    let left = exported.exported - exported.discarded;
    if args.discard && left > 0 {
        output::note(&format!(
            "{} were replayed, edited or died again meanwhile, and stay in Redis",
            counted(left, "letter")
        ));
    }
    Ok(())
}
