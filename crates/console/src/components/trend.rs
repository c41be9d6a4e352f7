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
    // Below the frame, so that only what is between is drawn.
    let line = format!("-1,30 {} {},30", points(values, most), width + 1);
    html! {
        figure class="spark trend" {
            svg viewBox={ "0 0 " (width) " 24" } preserveAspectRatio="none" role="img" {
                title { (said) }
                @match most {
                    0 => polyline class="flat" points={ "0,23 " (width) ",23" } {},
                    _ => polygon class="line" points=(line) {},
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

/// The corners of the line: what lies straight between two others is none.
fn points(values: &[u64], most: u64) -> String {
    let level = |n: &usize| values.get(*n).copied();
    let is_corner = |n: &usize| {
        let before = n.checked_sub(1).and_then(|before| level(&before));
        before != level(n) || level(&(n + 1)) != level(n)
    };
    let y = |value: u64| 23.0 - value as f64 / most.max(1) as f64 * 22.0;
    let corners = (0..values.len()).filter(is_corner);
    let points: Vec<_> = corners
        .map(|n| format!("{n},{:.1}", y(values[n])))
        .collect();
    points.join(" ")
}
