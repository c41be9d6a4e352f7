//! What stands where there is nothing: what would be here, and the command that makes it.

use longshore_operator::ThisProgram;
use maud::{Markup, html};

/// Nothing is here. `command` is what one would type to see something.
pub(crate) fn empty(words: &str, command: Option<&str>) -> Markup {
    html! {
        div class="empty" {
            p { (words) }
            @if let Some(command) = command { p { code { (ThisProgram::get().commands(command)) } } }
        }
    }
}
