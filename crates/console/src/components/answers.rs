//! What a provider's last calls came to: a mark for each.

use longshore_operator::AnswerRow;
use maud::{Markup, html};

/// The last answers, the newest last. Failures are higher and of another colour, so that they are seen without it.
pub(crate) fn answers(rows: &[AnswerRow]) -> Markup {
    if rows.is_empty() {
        return html! { span class="hint" { "no calls yet" } };
    }
    let count = |word: &str| rows.iter().filter(|row| row.came_to == word).count();
    let words = [
        "answered",
        "failed",
        "not_reached",
        "throttled",
        "unauthorized",
    ];
    let said: Vec<_> = words
        .iter()
        .filter(|word| count(word) > 0)
        .map(|word| format!("{} {}", count(word), word.replace('_', " ")))
        .collect();
    let said = format!("last {}: {}", rows.len(), said.join(", "));
    let width = 6 * rows.len();
    html! {
        svg class="answers" viewBox={ "0 0 " (width) " 16" } width=(width) height="16" role="img" aria-label=(said) {
            title { (said) }
            @for (n, row) in rows.iter().rev().enumerate() {
                @let (class, height) = match row.came_to {
                    "answered" => ("good", 6),
                    "throttled" => ("warn", 11),
                    _ => ("bad", 16),
                };
                rect class=(class) x=(6 * n) y=(16 - height) width="4" height=(height) rx="1" {}
            }
        }
    }
}
