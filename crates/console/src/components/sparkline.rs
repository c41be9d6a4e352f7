//! A small chart of a series, with a table for who cannot see it.

use maud::{Markup, html};

use crate::number::number;

/// A series, the oldest first. `title` says what it is of; `step` names what one value is of, such as `hour`.
pub(crate) fn sparkline(title: &str, step: &str, values: &[u64]) -> Markup {
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let width = 4 * values.len().max(1);
    let last = values.last().copied().unwrap_or(0);
    let said = format!(
        "{title}: {} in all, at most {} in one {step}, {} in the last",
        number(values.iter().sum()),
        number(most),
        number(last)
    );
    html! {
        figure class="spark" {
            svg viewBox={ "0 0 " (width) " 24" } preserveAspectRatio="none" role="img" {
                title { (said) }
                path class="none" d=(bars(values, most, true)) {}
                path class="some" d=(bars(values, most, false)) {}
            }
            div class="unseen" { table {
                caption { (title) }
                tr { th scope="col" { (step) "s ago" } th scope="col" { "count" } }
                @for (n, value) in values.iter().enumerate() {
                    @if *value > 0 { tr { td { (values.len() - 1 - n) } td { (number(*value)) } } }
                }
            } }
        }
    }
}

/// The bars of what is nothing, or of what is something, as one path: a page has many of them.
fn bars(values: &[u64], most: u64, of_nothing: bool) -> String {
    let places = values.iter().enumerate();
    let places = places.filter(|(_, value)| (**value == 0) == of_nothing);
    let bar = |(n, value): (usize, &u64)| {
        let height = match *value {
            0 => 0.5,
            value => (value as f64 / most as f64 * 23.0).max(1.5),
        };
        format!("M{} {:.1}h3V24h-3z", 4 * n, 24.0 - height)
    };
    places.map(bar).collect()
}
