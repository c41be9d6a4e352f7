//! `jobs run` and `jobs edit`: one job at a time.

use serde_json::json;

use super::super::dead;
use crate::cli::{EditArgs, RunJob};
use crate::failure::Failure;
use crate::output::{self, plain};
use crate::session::Session;

pub(super) async fn run_now(session: &Session, args: RunJob) -> Result<(), Failure> {
    let signed = session.signed(&args.change.reason);
    let operator = session.operator().await?;
    operator.run_now(&args.id, &signed).await?;
    let job = operator.job(&args.id, None).await?;
    if args.change.json {
        return session.done_json(&json!({
            "id": job.id, "changed": true, "state": job.state, "priority": job.priority,
            "tenant": job.tenant,
        }));
    }
    // Within these, jobs keep their order; no other is promised.
    let tenant = job.tenant.as_ref();
    let tenant = tenant.map_or(String::new(), |tenant| format!(" and tenant {tenant}"));
    output::done(&plain(&format!(
        "{} is {}, behind those of {} priority{tenant} that wait",
        job.id, job.state, job.priority
    )))
}

pub(super) async fn edit(session: &Session, args: EditArgs) -> Result<(), Failure> {
    let text = dead::given_args(&args)?;
    let signed = session.signed(args.reason.as_deref().unwrap_or_default());
    let operator = session.operator().await?;
    if args.dry_run {
        let rehearsal = operator.rehearse_edit(&args.id, &text, false).await?;
        return dead::rehearsed_edit(&rehearsal, args.json);
    }
    let (job, changed) = operator
        .edit_job(&args.id, &text, args.force, &signed)
        .await?;
    if args.json {
        return session.done_json(&json!({
            "id": job.id, "edited": true,
            "changed": changed, "state": job.state,
        }));
    }
    output::done(&match changed {
        true => format!("{} has its new args, and is {}", job.id, job.state),
        false => format!("{} had these args already", job.id),
    })
}
