//! A small chart of how much there was, with a table for who cannot see it.

use maud::{Markup, html};

use crate::number::number;

/// A series of amounts, the oldest first, the last one now. `title` says what they are; `step` names the time between two.
pub(crate) fn trend(title: &str, step: &str, values: &[u64]) -> Markup {
    let most = values.iter().copied().max().unwrap_or(0);
    let last = values.last().copied().unwrap_or(0);
    let first = values.first().copied().unwrap_or(0);
    let said = format!(
        "{title}: {} at first, {} at most, {} now",
        number(first),
        number(most),
        number(last)
    );
    let width = values.len().saturating_sub(1).max(1);
    let y = |value: u64| 23.0 - value as f64 / most.max(1) as f64 * 22.0;
    let points: Vec<_> = values
        .iter()
        .enumerate()
        .map(|(n, value)| format!("{n},{:.1}", y(*value)))
        .collect();
    let line = points.join(" ");
    html! {
        figure class="spark trend" {
            svg viewBox={ "0 0 " (width) " 24" } preserveAspectRatio="none" role="img" aria-label=(said) {
                title { (said) }
                @if most > 0 {
                    polygon class="under" points={ "0,24 " (line) " " (width) ",24" } {}
                    polyline class="line" points=(line) {}
                } @else {
                    polyline class="flat" points={ "0,23 " (width) ",23" } {}
                }
            }
            div class="unseen" {
                table {
                    caption { (title) }
                    tr { th scope="col" { (step) "s ago" } th scope="col" { "count" } }
                    // Each tenth is enough to hear.
                    @for (n, value) in values.iter().enumerate().rev().step_by(10) {
                        tr { td { (values.len() - 1 - n) } td { (number(*value)) } }
                    }
                }
            }
        }
    }
}
