//! What holds something back, in a few words, until when.

use maud::{Markup, html};

use crate::components::moment::until;
use crate::foreign::Short;
use crate::view::View;

/// `held by: Retry-After of sendgrid · 45 s`. It counts down where an end is known.
pub(crate) fn chip(view: &View, what: &str, end: Option<&str>) -> Markup {
    html! {
        span class="chip" {
            span class="shape" aria-hidden="true" { "‖" }
            " " (Short(what, 60))
            @if let Some(end) = end { " · " (until(view, end)) }
        }
    }
}
