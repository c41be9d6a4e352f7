//! Differences as CSV, after RFC 4180, and safe to open in a spreadsheet.
//!
//! Ids are written by others: an order could be called `=HYPERLINK(…)`, which a spreadsheet would carry out. What
//! begins like a formula gets an apostrophe in front, which spreadsheets take for "this is a text". An id that really
//! begins so differs from itself by that apostrophe; the JSON has it as it is.

use super::{Row, Side};

const HEADER: [&str; 9] = [
    "kind",
    "payment_intent",
    "order_id",
    "stripe_status",
    "app_status",
    "stripe_amount",
    "app_amount",
    "currency",
    "repaired",
];

/// What formulas begin with in one spreadsheet or another; the last four are the wide forms of the first.
const FORMULAS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

pub(super) fn write(rows: &[Row], side: Side<'_>) -> String {
    let mut csv = String::new();
    let header = HEADER.map(|name| side.word(name));
    line(&mut csv, header.each_ref().map(String::as_str));
    for row in rows {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let number = |number: Option<u64>| number.map_or_else(String::new, |n| n.to_string());
        line(
            &mut csv,
            [
                &side.word(row.kind.as_str()),
                &text(&row.payment_intent),
                &text(&row.order_id),
                &text(&row.stripe_status),
                &text(&row.app_status),
                &number(row.stripe_amount),
                &number(row.app_amount),
                &row.currency,
                if row.repaired { "true" } else { "false" },
            ],
        );
    }
    csv
}

fn line(csv: &mut String, fields: [&str; 9]) {
    for (n, field) in fields.into_iter().enumerate() {
        if n > 0 {
            csv.push(',');
        }
        push(csv, field);
    }
    csv.push_str("\r\n");
}

fn push(csv: &mut String, field: &str) {
    let is_formula = field.trim_start().starts_with(FORMULAS)
        || field.starts_with(|c: char| c.is_control() || c.is_whitespace());
    // A semicolon and a tab separate fields too, where the spreadsheet's language says so.
    let quoted = is_formula || field.contains([',', ';', '\t', '"', '\r', '\n']);
    if !quoted {
        csv.push_str(field);
        return;
    }
    csv.push('"');
    if is_formula {
        csv.push('\'');
    }
    csv.push_str(&field.replace('"', "\"\""));
    csv.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::compare::Kind;

    #[test]
    fn fields_are_quoted_and_never_formulas() {
        for (field, written) in [
            ("pi_1", "pi_1"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("a;b", "\"a;b\""),
            ("a\"b", "\"a\"\"b\""),
            ("a\r\nb", "\"a\r\nb\""),
            ("a-b=c", "a-b=c"),
            ("=1+1", "\"'=1+1\""),
            ("+47", "\"'+47\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("\n=1", "\"'\n=1\""),
            ("  =1", "\"'  =1\""),
            ("＝1", "\"'＝1\""),
            ("=cmd|'/C calc'!\"A0\"", "\"'=cmd|'/C calc'!\"\"A0\"\"\""),
            ("ordre-ø", "ordre-ø"),
        ] {
            let mut csv = String::new();
            push(&mut csv, field);
            assert_eq!(csv, written, "{field:?}");
        }
    }

    #[test]
    fn lines_are_those_of_the_header() {
        let row = Row {
            kind: Kind::WrongCurrency,
            payment_intent: Some("pi_1".to_owned()),
            order_id: None,
            stripe_status: Some("succeeded".to_owned()),
            app_status: Some("paid".to_owned()),
            stripe_amount: Some(1000),
            app_amount: Some(0),
            currency: "nok/sek".to_owned(),
            repaired: false,
        };
        let rows = [
            Row {
                repaired: true,
                ..row.clone()
            },
            row,
        ];
        let csv = write(&rows, Side::Stripe);
        let lines: Vec<_> = csv.split("\r\n").collect();
        assert_eq!(
            lines,
            [
                "kind,payment_intent,order_id,stripe_status,app_status,stripe_amount,app_amount,currency,repaired",
                "wrong_currency,pi_1,,succeeded,paid,1000,0,nok/sek,true",
                "wrong_currency,pi_1,,succeeded,paid,1000,0,nok/sek,false",
                "",
            ]
        );
        assert_eq!(write(&[], Side::Stripe).lines().count(), 1);
    }
}
