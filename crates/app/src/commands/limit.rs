//! `limit`.

use std::time::Duration;

use longshore_queue::Limit;
use serde_json::json;

use crate::cli::LimitArgs;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

pub(super) async fn run(session: &Session, args: &LimitArgs) -> Result<(), Failure> {
    let queue = &args.queue;
    let signed = session.signed(args.reason.as_deref().unwrap_or_default());
    let operator = session.operator().await?;
    let (Some(rate), Some(life)) = (args.rate, args.life) else {
        let changed = operator.lift_limit(queue, &signed).await?;
        if args.json {
            return session.done_json(&json!({ "queue": queue, "lifted": changed }));
        }
        return output::done(&match changed {
            true => format!("the limit of {queue} is lifted"),
            false => format!("{queue} was not limited by an operator"),
        });
    };
    let limit = Limit {
        count: 1,
        per: Duration::from_secs_f64(1.0 / rate),
    };
    operator.limit(queue, limit, life, &signed).await?;
    if args.json {
        let seconds = life.as_secs_f64();
        return session
            .done_json(&json!({ "queue": queue, "per_second": rate, "for_seconds": seconds }));
    }
    output::done(&format!(
        "{queue} is limited to {rate}/s for {}, where less is not configured; `longshore limit {queue} --lift` ends it",
        humantime::format_duration(life)
    ))
}
