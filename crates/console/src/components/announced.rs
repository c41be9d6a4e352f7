//! Where a page announces that more has come to its list. The list itself stays as it is.

use jiff::Timestamp;
use longshore_operator::{JobFilter, JobRow};
use maud::{Markup, html};

use crate::view::View;

/// Where it is announced that more has come to a list of this address. `shown` are the times of what it shows.
pub(crate) fn announced<'t>(
    view: &View,
    address: &str,
    shown: impl Iterator<Item = &'t str>,
) -> Markup {
    let newest = times(shown).into_iter().max();
    let since = newest.unwrap_or_else(|| view.now.as_millisecond());
    html! { div class="fresh" role="status" data-live="fresh" data-list=(address) data-since=(since) {} }
}

/// The same for jobs.
pub(crate) fn announced_jobs(
    view: &View,
    address: &str,
    rows: &[JobRow],
    filter: &JobFilter,
) -> Markup {
    let shown = rows.iter().filter_map(|row| came_at(row, filter));
    announced(view, address, shown)
}

/// When a job came to a list: one of jobs that have ended at its end, any other when it was enqueued.
pub(crate) fn came_at<'r>(row: &'r JobRow, filter: &JobFilter) -> Option<&'r str> {
    let of_ended = !filter.states.is_empty();
    let ended = row.ended_at.as_deref().filter(|_| of_ended);
    ended.or(row.enqueued_at.as_deref())
}

/// In ms since the epoch. What is no time is left out.
pub(crate) fn times<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<i64> {
    let read = texts.filter_map(|text| text.parse::<Timestamp>().ok());
    read.map(Timestamp::as_millisecond).collect()
}
