//! The form of an act: its own questions, the reason, the confirmation. Every act has this one.

use maud::{Markup, html};

use crate::form::must_type;
use crate::number::number;
use crate::view::{ONCE_MARK, TOKEN_MARK, View};

/// What is to be done.
#[derive(Debug)]
pub(crate) struct ActForm<'a> {
    /// Where it is sent, within the console.
    pub(crate) action: &'a str,
    /// What its button says: `Replay 2,342 letters`.
    pub(crate) verb: &'a str,
    /// To how many it is done.
    pub(crate) count: u64,
    /// It cannot be taken back.
    pub(crate) is_final: bool,
    /// What the page knows and nobody has to be asked.
    pub(crate) hidden: &'a [(&'a str, &'a str)],
    /// The act's own questions.
    pub(crate) questions: Markup,
    /// Where one goes who does not mean it, within the console.
    pub(crate) back: &'a str,
}

/// Draws it; for a viewer it says what they would need.
pub(crate) fn act_form(view: &View, form: &ActForm<'_>) -> Markup {
    html! {
        @if view.can_act {
            form class="act" method="post" action=(view.to(form.action)) {
                input type="hidden" name="token" value=(TOKEN_MARK);
                input type="hidden" name="once" value=(ONCE_MARK);
                input type="hidden" name="count" value=(form.count);
                @for (name, value) in form.hidden { input type="hidden" name=(name) value=(value); }
                (form.questions)
                label class="field" {
                    span { "Reason" }
                    input name="reason" type="text" required maxlength="1000" autocomplete="off" placeholder="Why; the audit keeps it";
                }
                @if must_type(view, form.count) {
                    label class="field" {
                        span { "This is " strong { "production" } ". Type " strong { (number(form.count)) } " to confirm" }
                        input name="number" type="text" inputmode="numeric" required autocomplete="off" pattern={ (form.count) "|" (number(form.count)) };
                    }
                }
                div class="buttons" {
                    button type="submit" class=(if form.is_final { "final" } else { "main" }) { (form.verb) }
                    a class="button" href=(view.to(form.back)) { "Back" }
                }
            }
        } @else {
            p class="hint" { "You are a viewer: an operator can do this." }
        }
    }
}
