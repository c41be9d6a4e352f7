//! Mappings as CSV, for spreadsheets: `map,key,provider,customer,was_provider,was_customer`. Of a subscription the last three are
//! empty.
//!
//! A spreadsheet takes an id that begins like a formula for one. It gets an apostrophe in front, which is taken off again when it
//! is read. An id that begins with an apostrophe gets another.

use longshore_operator::Mapping;
use serde_json::{Map, Value, json};

/// The first line.
pub(super) const HEADER: &str = "map,key,provider,customer,was_provider,was_customer\r\n";

const COLUMNS: usize = 6;

/// What a spreadsheet takes for more than a text, unless an apostrophe says that it is one.
const MARKED: [char; 9] = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '\''];

/// One mapping as a line.
pub(super) fn line(mapping: &Mapping) -> String {
    let text = |value: Option<&Value>| {
        let text = value.and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let was = mapping.value.get("was");
    let fields = [
        mapping.map.clone(),
        mapping.key.clone(),
        mapping.provider().unwrap_or_default().to_owned(),
        text(mapping.value.get("customer")),
        text(was.and_then(|was| was.get("provider"))),
        text(was.and_then(|was| was.get("customer"))),
    ];
    let fields: Vec<_> = fields.iter().map(|field| written(field)).collect();
    format!("{}\r\n", fields.join(","))
}

fn written(field: &str) -> String {
    let mark = if field.starts_with(MARKED) { "'" } else { "" };
    match mark.is_empty() && !field.contains([',', ';', '\t', '"', '\r', '\n']) {
        true => field.to_owned(),
        false => format!("\"{mark}{}\"", field.replace('"', "\"\"")),
    }
}

/// Checks the first line.
pub(super) fn check_header(line: &str) -> Result<(), String> {
    let line = line.trim_start_matches('\u{feff}').trim_end();
    match line == HEADER.trim_end() {
        true => Ok(()),
        false => Err(format!("is not the header; write {}", HEADER.trim_end())),
    }
}

/// Reads a line after the first.
pub(super) fn read(line: &str) -> Result<Mapping, String> {
    let fields = split(line)?;
    let count = fields.len();
    let [map, key, provider, customer, was_provider, was_customer]: [String; COLUMNS] = fields
        .try_into()
        .map_err(|_| format!("has {count} fields; write {COLUMNS}, separated by commas"))?;
    let is_moved = !(was_provider.is_empty() && was_customer.is_empty());
    let value = match map.as_str() {
        "subscriptions" if is_moved || !customer.is_empty() => {
            let wrong = "has more than a provider; leave the rest of a subscription empty";
            return Err(wrong.to_owned());
        }
        "subscriptions" => json!(provider),
        _ => {
            let mut value = customer_of(provider, customer);
            if is_moved {
                value.insert(
                    "was".to_owned(),
                    customer_of(was_provider, was_customer).into(),
                );
            }
            value.into()
        }
    };
    Ok(Mapping { map, key, value })
}

fn customer_of(provider: String, customer: String) -> Map<String, Value> {
    let fields = [("provider", provider), ("customer", customer)];
    let fields = fields.into_iter();
    fields
        .map(|(name, text)| (name.to_owned(), text.into()))
        .collect()
}

/// The fields of a line, after RFC 4180. None of them has a line break: ids have no control characters.
fn split(line: &str) -> Result<Vec<String>, String> {
    let mut fields = Vec::new();
    let mut rest = line.trim_end_matches(['\r', '\n']);
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        let marked = field
            .strip_prefix('\'')
            .filter(|rest| rest.starts_with(MARKED));
        fields.push(marked.map(str::to_owned).unwrap_or(field));
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None if after.is_empty() => return Ok(fields),
            None => return Err("has text after a closing quotation mark".to_owned()),
        }
    }
}

/// A field up to its closing mark, and what comes after that.
fn quoted_field(text: &str) -> Result<(String, &str), String> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('"').ok_or("has no closing quotation mark")?;
        field.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None => return Ok((field, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(key: &str, value: Value) -> Mapping {
        let map = match value.is_object() {
            true => "customers",
            false => "subscriptions",
        };
        Mapping {
            map: map.to_owned(),
            key: key.to_owned(),
            value,
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let stripe = |customer: &str| json!({ "provider": "stripe", "customer": customer });
        let was = stripe("cus_1");
        for (key, value) in [
            (
                "ada",
                json!({ "provider": "testpay", "customer": "tp_1", "was": was }),
            ),
            ("a,\"b\";c", stripe("cus_1")),
            ("=HYPERLINK(1)", stripe("-1")),
            ("'quoted", stripe("'=1")),
            ("sub_1", json!("stripe")),
            ("sub ø", json!("testpay")),
        ] {
            let mapping = mapping(key, value);
            let line = line(&mapping);
            assert_eq!(read(&line), Ok(mapping), "{line}");
            let mut cells = line.trim_end().split(',');
            assert!(!cells.any(|cell| cell.starts_with(['=', '-'])), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, why) in [
            ("customers,ada,stripe", "has 3 fields"),
            ("customers,ada,stripe,cus_1,,,", "has 7 fields"),
            ("customers,\"ada,stripe,cus_1,,", "no closing"),
            ("customers,\"ada\"x,stripe,cus_1,,", "text after"),
            ("subscriptions,sub_1,stripe,cus_1,,", "more than a provider"),
        ] {
            let wrong = read(line).expect_err(line);
            assert!(wrong.contains(why), "{line}: {wrong}");
        }
        let with_mark = format!("\u{feff}{}", HEADER.trim_end());
        assert!(check_header(HEADER).is_ok() && check_header(&with_mark).is_ok());
        assert!(check_header("customers,ada,stripe,cus_1,,").is_err());
    }
}
