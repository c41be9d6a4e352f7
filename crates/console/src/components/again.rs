//! A form that was refused, to be mended and sent again: nobody types a reason twice.

use maud::{Markup, html};

use crate::content::PageError;
use crate::form::Form;
use crate::view::{TOKEN_MARK, View, path_only};

/// The fields that somebody typed, with what they are called.
const TYPED: [(&str, &str); 7] = [
    ("reason", "Reason"),
    ("rate", "How many a second"),
    ("life", "For"),
    ("when", "When"),
    ("args", "Args"),
    ("who", "Who is meant"),
    ("number", "The number, to confirm"),
];

/// What is said again of nobody.
const UNSAID: [&str; 2] = ["who", "number"];

/// What a form's page has in its address.
const IN_ADDRESS: [&str; 7] = ["kind", "tenant", "tag", "key", "since", "channel", "fresh"];

/// What somebody can do whose form was refused: send it mended where it was wrong, or open its page again.
pub(crate) fn again(view: &View, error: &PageError, form: &Form, path: &str) -> Markup {
    let page = path_only(path);
    let page = page.strip_suffix("/rehearse").unwrap_or(page);
    let address: Vec<_> = form
        .fields()
        .filter(|(name, _)| IN_ADDRESS.contains(name))
        .collect();
    let is_act = form.typed("once").is_some();
    html! {
        @if is_act && matches!(error, PageError::Wrong(_)) {
            form class="act sheet" method="post" action=(view.to(path_only(path))) {
                h2 { "Mend it, and send it again" }
                input type="hidden" name="token" value=(TOKEN_MARK);
                @for (name, value) in form.fields() {
                    @match TYPED.iter().find(|(typed, _)| *typed == name) {
                        Some((_, words)) => (field(name, words, value)),
                        None => @if name != "token" { input type="hidden" name=(name) value=(value); },
                    }
                }
                div class="buttons" { button class="main" type="submit" { "Send it again" } }
            }
        }
        @if is_act { p { a class="button" href=(view.to_with(page, &address)) { "Open the form anew" } } }
    }
}

fn field(name: &str, words: &str, value: &str) -> Markup {
    let said = Some(value).filter(|_| !UNSAID.contains(&name));
    html! {
        label class="field" {
            span { (words) }
            @match name {
                "args" => textarea name=(name) rows="12" required spellcheck="false" { (value) },
                _ => input name=(name) type="text" value=[said] required maxlength="1000" autocomplete="off";,
            }
        }
    }
}
