//! A share as a bar. The number stands beside it, so who cannot see it misses nothing.

use maud::{Markup, html};

/// A share of a whole, 0 to 1.
pub(crate) fn gauge(share: f64) -> Markup {
    let width = (share.clamp(0.0, 1.0) * 100.0).round();
    html! {
        svg class="bar gauge" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
            rect class="ground" width="100" height="8" {}
            rect class="done" width=(width) height="8" {}
        }
    }
}
