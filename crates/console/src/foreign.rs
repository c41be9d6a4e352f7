//! Text that somebody else wrote: a provider, a producer, an operator, an id out of Redis.
//!
//! It is escaped, set apart from the direction of the text around it (`<bdi>`), and shows what cannot be seen: control characters,
//! escape sequences of terminals, marks that turn the direction of text. So it cannot pretend to be a part of the page.

use maud::{Markup, PreEscaped, Render, html};

/// From so many characters on, a text is folded: its beginning is shown, and the rest on request.
const FOLDED_FROM: usize = 280;

/// A text that somebody else wrote.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Foreign<'a>(pub(crate) &'a str);

/// The beginning of such a text, where there is room for one line only.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Short<'a>(pub(crate) &'a str, pub(crate) usize);

impl Render for Foreign<'_> {
    fn render(&self) -> Markup {
        let count = self.0.chars().count();
        if count <= FOLDED_FROM {
            return html! { bdi { (visible(self.0)) } };
        }
        let begin: String = self.0.chars().take(FOLDED_FROM - 40).collect();
        html! {
            details class="long" {
                summary { bdi { (visible(&begin)) "…" } " " span class="more" { "all " (crate::number::number(count as u64)) " characters" } }
                bdi class="whole" { (visible(self.0)) }
            }
        }
    }
}

impl Render for Short<'_> {
    fn render(&self) -> Markup {
        let Self(text, most) = *self;
        if text.chars().count() <= most {
            return html! { bdi { (visible(text)) } };
        }
        let begin: String = text.chars().take(most.saturating_sub(1)).collect();
        let more: String = text.chars().take(1_000).collect();
        html! { bdi title=(plain(&more)) { (visible(&begin)) "…" } }
    }
}

/// The same for attributes, where there can be no markup.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match name(character) {
            Some(name) => shown.push_str(&name),
            None => shown.push(character),
        }
    }
    shown
}

/// Escaped, with what cannot be seen as marks.
fn visible(text: &str) -> Markup {
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match (name(character), character) {
            (Some(name), _) => {
                shown.push_str("<span class=\"mark\">");
                shown.push_str(&name);
                shown.push_str("</span>");
            }
            (None, '<') => shown.push_str("&lt;"),
            (None, '>') => shown.push_str("&gt;"),
            (None, '&') => shown.push_str("&amp;"),
            (None, '"') => shown.push_str("&quot;"),
            (None, character) => shown.push(character),
        }
    }
    PreEscaped(shown)
}

/// What is shown instead of a character that cannot be seen, or that changes how others are seen.
fn name(character: char) -> Option<String> {
    let code = u32::from(character);
    match character {
        '\t' => Some("⇥".to_owned()),
        '\n' => Some("⏎".to_owned()),
        '\0'..='\u{1f}' => char::from_u32(0x2400 + code).map(String::from),
        '\u{7f}' => Some("␡".to_owned()),
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0e}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}' => Some(format!("⟨U+{code:04X}⟩")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_it_acts_on_the_page() {
        for (text, shown) in [
            ("card declined", "<bdi>card declined</bdi>"),
            ("", "<bdi></bdi>"),
            (
                "<script>alert(\"1\")</script>&amp;",
                "<bdi>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;amp;</bdi>",
            ),
            (
                "\u{1b}[31mred",
                "<bdi><span class=\"mark\">␛</span>[31mred</bdi>",
            ),
            (
                "a\u{202e}b",
                "<bdi>a<span class=\"mark\">⟨U+202E⟩</span>b</bdi>",
            ),
            (
                "x\r\ny",
                "<bdi>x<span class=\"mark\">␍</span><span class=\"mark\">⏎</span>y</bdi>",
            ),
            ("Grüße, 東京 👩", "<bdi>Grüße, 東京 👩</bdi>"),
        ] {
            assert_eq!(Foreign(text).render().into_string(), shown, "{text:?}");
        }
    }

    #[test]
    fn a_long_text_is_folded_and_whole() {
        let long = "ab".repeat(5_000);
        let shown = Foreign(&long).render().into_string();
        assert!(shown.contains("all 10,000 characters"), "{shown:.400}");
        assert!(shown.contains(&long));
        let short = Short(&long, 20).render().into_string();
        assert!(short.contains("…") && short.len() < 1_200, "{short}");
    }

    #[test]
    fn attributes_hold_no_mark_either() {
        assert_eq!(plain("a\u{202e}\u{1b}b"), "a⟨U+202E⟩␛b");
    }
}
