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
        svg class="answers" viewBox={ "0 0 " (width) " 16" } width=(width) height="16" role="img" {
            title { (said) }
            @for (class, height) in [("good", 6), ("warn", 11), ("bad", 16)] {
                @let marks = marks(rows, class, height);
                @if !marks.is_empty() { path class=(class) d=(marks) {} }
            }
        }
    }
}

/// How an answer is drawn.
fn class(row: &AnswerRow) -> &'static str {
    match row.came_to {
        "answered" => "good",
        "throttled" => "warn",
        _ => "bad",
    }
}

/// All marks of one class as one path: a page has many of them.
fn marks(rows: &[AnswerRow], of: &str, height: usize) -> String {
    let places = rows.iter().rev().enumerate();
    let places = places.filter(|(_, row)| class(row) == of);
    let mark = |n: usize| format!("M{} {}h4v{height}h-4z", 6 * n, 16 - height);
    places.map(|(n, _)| mark(n)).collect()
}
