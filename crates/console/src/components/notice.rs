//! A sentence that stands above a page: what was done, or what is wrong.

use maud::{Markup, html};

use crate::components::state::{Tone, toned};

/// A sentence with a word before it.
pub(crate) fn notice(tone: Tone, word: &str, words: &Markup) -> Markup {
    html! {
        div class="notice" role="status" { (toned(tone, word)) " " span { (words) } }
    }
}
