//! A bar of what is done, and of what became of it.

use maud::{Markup, html};

use crate::number::number;

/// A part of a bar: how many, what they are in words, and its class of colour.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) count: u64,
    pub(crate) words: &'a str,
    pub(crate) class: &'static str,
}

/// Parts of a total. What no part counts is left open. An SVG, since a page may hold no inline style.
pub(crate) fn bar(total: u64, parts: &[Part<'_>]) -> Markup {
    let share = |count: u64| match total {
        0 => 0.0,
        total => (count as f64 / total as f64 * 1000.0).min(1000.0),
    };
    let mut at = 0.0;
    let placed: Vec<_> = parts
        .iter()
        .map(|part| {
            let from = at;
            at += share(part.count);
            (from, share(part.count), part)
        })
        .collect();
    let said: Vec<_> = parts
        .iter()
        .map(|part| format!("{} {}", number(part.count), part.words))
        .collect();
    let said = format!("of {}: {}", number(total), said.join(", "));
    html! {
        svg class="bar" viewBox="0 0 1000 12" preserveAspectRatio="none" role="img" {
            title { (said) }
            rect class="ground" x="0" y="0" width="1000" height="12" {}
            @for (from, width, part) in &placed {
                @if *width > 0.0 {
                    rect class=(part.class) x=(format!("{from:.1}")) y="0" width=(format!("{width:.1}")) height="12" {}
                }
            }
        }
    }
}
