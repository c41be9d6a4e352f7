//! The keys.

use maud::html;

use crate::content::Content;
use crate::section::Section;
use crate::visit::Visit;

/// `GET /shortcuts`
pub(crate) async fn show(_: Visit) -> Content {
    let keys = [
        ("/", "Search"),
        ("?", "This page"),
        ("j, k", "The next and the previous row or card"),
        ("Enter", "Open it"),
        ("r", "Read the page again"),
    ];
    let body = html! {
        h1 { "Keyboard shortcuts" }
        dl class="keys" {
            @for (key, words) in keys { dt { kbd { (key) } } dd { (words) } }
            @for (_, words, _, key) in Section::ALL { dt { kbd { "g" } " " kbd { (key) } } dd { (words) } }
        }
        p class="hint" { "Everything can be reached with Tab and Enter as well." }
    };
    Content::new(Section::Other, "Keyboard shortcuts", body)
}
