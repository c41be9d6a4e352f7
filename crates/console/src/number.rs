//! Numbers as people read them, and numbers that lead to what they count.

use maud::{Markup, html};

/// `2,342`
pub(crate) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `1 mail`, `2,342 mails`
pub(crate) fn counted(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{} {what}s", number(count)),
    }
}

/// A number that leads to the list of what it counts. Nothing leads nowhere.
pub(crate) fn number_link(count: u64, href: &str) -> Markup {
    html! {
        @if count == 0 { span class="num zero" { "0" } }
        @else { a class="num" href=(href) { (number(count)) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (count, shown) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (12_345, "12,345"),
            (1_000_000, "1,000,000"),
        ] {
            assert_eq!(number(count), shown);
        }
        assert_eq!(counted(1, "mail"), "1 mail");
        assert_eq!(counted(0, "mail"), "0 mails");
    }
}
