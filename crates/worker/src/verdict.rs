//! What verdicts have in common, whether a run ended with them or not.

use std::sync::Arc;

use longshore_queue::{CallReport, ClaimContext, Fate, HistoryEntry, RawId, RunState, Verdict};

/// The verdict on a job that never ran here: back to the head of its queue, as if it had not been claimed.
pub(crate) fn untouched(
    id: RawId,
    token: Arc<str>,
    state: RunState,
    context: ClaimContext,
) -> Verdict {
    Verdict {
        id,
        token,
        kind: None,
        fate: Fate::Untouched,
        state,
        history: None,
        key: None,
        put_back: None,
        payload_bytes: 0,
        report: CallReport::Nothing,
        context,
    }
}

/// Numbers a history entry; one of a request of which nothing is known gets this machine's time, too.
pub(crate) fn numbered(state: RunState, entry: HistoryEntry) -> (RunState, Option<HistoryEntry>) {
    let state = RunState {
        entries: state.entries + 1,
        ..state
    };
    (state, Some(entry.with_clock()))
}
