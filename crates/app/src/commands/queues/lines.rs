//! What is said of a queue below the table, each in a line.

use jiff::Timestamp;
use longshore_operator::{
    AnswerRow, BreakerRow, HoldRow, LostRow, ParkedRow, PauseRow, ProviderRow, QueueRow,
};
use longshore_queue::{BreakerState, HoldCause};

use crate::age::ago;
use crate::output::{self, counted, or_dash};
use crate::session::Session;

/// What a provider's calls came to.
pub(super) fn provider_line(queue: &str, row: &ProviderRow) -> String {
    let mut text = format!("{queue}: {}: ", row.provider);
    text += &match row.answered_share {
        Some(share) => format!(
            "answered {} of {} in the last day",
            percent(share),
            counted(row.answered + row.failed, "call")
        ),
        None => "no calls in the last day".to_owned(),
    };
    if let (Some(used), Some(limit)) = (row.limit_used, row.limit_per_minute) {
        // A limit that was set since, or a burst, lets a minute have more.
        text += &match used {
            ..=1.0 => format!(
                "; in the last minute {} of the {limit:.0} that its limit allows",
                percent(used)
            ),
            _ => format!(
                "; in the last minute {:.0} calls, more than the {limit:.0} that its limit allows now",
                used * limit
            ),
        };
    }
    let last: Vec<String> = row.answers.iter().take(5).map(answer).collect();
    if !last.is_empty() {
        text += &format!("; last: {}", last.join(", "));
    }
    text
}

fn answer(answer: &AnswerRow) -> String {
    let status = answer.status.map(|status| format!(" {status}"));
    format!("{}{}", answer.came_to, status.unwrap_or_default())
}

/// Never 100 % where anything is missing, nor 0 % where anything is there.
fn percent(share: f64) -> String {
    let tenths = share * 1000.0;
    let tenths = match tenths {
        _ if share < 1.0 && tenths > 999.0 => 999.0,
        _ if share > 0.0 && tenths < 1.0 => 1.0,
        _ => tenths.round(),
    };
    format!("{} %", tenths / 10.0)
}

pub(super) fn breaker_line(row: &QueueRow, breaker: &BreakerRow) -> String {
    let QueueRow {
        queue, fallback, ..
    } = row;
    let BreakerRow {
        provider,
        state,
        until,
        ..
    } = breaker;
    let until_at = until.as_deref().and_then(|until| until.parse().ok());
    let is_over = until_at.is_some_and(|at: Timestamp| at <= Timestamp::now());
    let until = or_dash(until.as_deref());
    let stands_in = fallback
        .as_ref()
        .filter(|fallback| fallback.active && fallback.provider != *provider);
    match (state, stands_in) {
        (BreakerState::HalfOpen, _) => format!(
            "{queue}: the breaker of {provider} is half-open: one call finds out whether it works again{}",
            stands_in.map_or(String::new(), |fallback| format!(
                ", other jobs go to {} meanwhile",
                fallback.provider
            ))
        ),
        (_, Some(fallback)) => format!(
            "{queue}: the breaker of {provider} is {}: jobs go to {} ({} so far), {}",
            state.as_str(),
            fallback.provider,
            fallback.jobs,
            match is_over {
                true => format!("the next job asks {provider} again"),
                false => format!("one call asks {provider} again at {until}"),
            }
        ),
        (_, None) if is_over => format!(
            "{queue}: the breaker of {provider} is {}: the next job asks {provider} again, and until it has an answer jobs wait with their attempts intact",
            state.as_str()
        ),
        (_, None) => format!(
            "{queue}: the breaker of {provider} is {}: no calls until {until}, jobs wait with their attempts intact",
            state.as_str()
        ),
    }
}

/// That a worker was lost with jobs.
pub(in crate::commands) fn lost_line(queue: &str, lost: &LostRow) -> String {
    format!(
        "{queue}: a worker was lost while it ran jobs, {} in the last hour, last {}: some may have been carried out twice; `longshore jobs lost --queue {queue}` lists them",
        counted(lost.jobs, "job"),
        ago(&lost.last_at)
    )
}

/// That jobs are parked whose kind nobody knows.
pub(in crate::commands) fn parked_line(
    session: &Session,
    queue: &str,
    parked: &ParkedRow,
) -> String {
    // Who pushes by hand may have taken the wrong queue, or mistyped the kind.
    let kinds = session.config.kinds();
    let names: Vec<&str> = kinds.iter().map(|spec| spec.kind).collect();
    let theirs: Vec<&str> = kinds
        .in_queues()
        .filter(|spec| spec.kind == parked.kind)
        .map(|spec| spec.queue)
        .collect();
    let hint = match theirs.as_slice() {
        [..] if theirs.contains(&queue) => String::new(),
        [_, ..] => {
            let theirs = theirs.join(" or ");
            format!("; its producer should have used the queue {theirs}")
        }
        [] => output::nearest(&parked.kind, &names)
            .map(|nearest| format!("; did its producer mean `{nearest}`?"))
            .unwrap_or_default(),
    };
    let jobs = counted(parked.jobs, "job");
    let are = if parked.jobs == 1 { "is" } else { "are" };
    format!(
        "{queue}: {jobs} of kind {} {are} parked since {}: no worker of the queue knows the kind{hint}",
        parked.kind, parked.since
    )
}

/// Who paused a queue or a cron entry.
pub(in crate::commands) fn paused(queue: &str, pause: &PauseRow) -> String {
    let by = format!("{queue} was paused by {} {}", pause.by, ago(&pause.since));
    match pause.reason.as_str() {
        "" => by,
        reason => format!("{by}: {reason}"),
    }
}

/// A hold in words.
pub(super) fn why(hold: &HoldRow) -> String {
    let HoldRow {
        cause,
        provider,
        until,
    } = hold;
    let until = until.as_ref().map(|until| format!(" until {until}"));
    let until = until.unwrap_or_default();
    match cause {
        HoldCause::RetryAfter => format!("{provider} asked for a wait{until}"),
        HoldCause::Credentials => match until.as_str() {
            "" => format!("{provider} refuses our credentials, a probe may be sent at any time"),
            until => format!("{provider} refuses our credentials, no probe{until}"),
        },
        HoldCause::Breaker => format!("the breaker of {provider} blocks calls{until}"),
        HoldCause::Limiter => format!("the limit of {provider} lets no call through{until}"),
        HoldCause::Limit => format!("an operator has limited calls of {provider}{until}"),
        HoldCause::RedisRestarted => {
            format!(
                "Redis was restarted, or failed over: workers check whether it forgot anything{until}"
            )
        }
        HoldCause::RedisForgot => {
            format!("Redis forgot something: workers restore what they remember{until}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A limit that an operator has set a moment ago is below what the minute before had.
    #[test]
    fn more_calls_than_a_limit_allows_are_no_share_of_it() {
        let line = |used| {
            let row = ProviderRow {
                provider: "sendgrid".to_owned(),
                calls_per_minute: 1500,
                limit_per_minute: Some(120.0),
                limit_used: Some(used),
                answered: 0,
                failed: 0,
                answered_share: None,
                answers: Vec::new(),
            };
            provider_line("email", &row)
        };
        let half = line(0.5);
        assert!(
            half.ends_with("50 % of the 120 that its limit allows"),
            "{half}"
        );
        let more = line(12.5);
        let says = "1500 calls, more than the 120 that its limit allows now";
        assert!(more.ends_with(says), "{more}");
    }
}
