//! `expand[]`: ids in an answer, written as what they stand for.

use serde_json::{Value, json};

use super::book::Book;
use super::problem::Problem;
use super::shelf::{Shelf, Stored};

/// Writes what this path leads to as an object: `latest_charge`, `data.latest_charge`, `charge.invoice.subscription`.
pub(super) fn expand(
    book: &Book,
    answer: &mut Value,
    path: &str,
    livemode: bool,
) -> Result<(), Problem> {
    let mut names = path.splitn(2, '.');
    let (name, rest) = (names.next().unwrap_or_default(), names.next());
    if let (Some(Value::Array(items)), Some(rest)) = (answer.get_mut("data"), rest)
        && name == "data"
    {
        return items
            .iter_mut()
            .try_for_each(|item| expand(book, item, rest, livemode));
    }
    if name == "refunds" && answer["object"] == "charge" {
        let of_charge = |refund: &Value| refund["charge"] == answer["id"];
        let refunds = book.refunds.all().map(Stored::to_json);
        let refunds: Vec<_> = refunds.filter(of_charge).take(10).collect();
        answer["refunds"] = json!({ "object": "list", "data": refunds, "has_more": false });
        return Ok(());
    }
    let Some(field) = answer.get_mut(name) else {
        let message = format!("This property cannot be expanded ({name}).");
        return Err(Problem::invalid(None, message, "expand"));
    };
    if let Value::String(id) = field
        && let Some(object) = object(book, id, livemode)
    {
        *field = object;
    }
    match rest {
        Some(rest) if field.is_object() => expand(book, field, rest, livemode),
        _ => Ok(()),
    }
}

/// What has this id.
pub(super) fn object(book: &Book, id: &str, livemode: bool) -> Option<Value> {
    fn shown<T: Stored>(shelf: &Shelf<T>, id: &str, livemode: bool) -> Option<Value> {
        shelf.get(id, livemode).map(T::to_json)
    }
    let (prefix, _) = id.split_once('_')?;
    match prefix {
        "ch" => book.charge(id, livemode),
        "cus" => shown(&book.customers, id, livemode),
        "dp" => shown(&book.disputes, id, livemode),
        "in" => shown(&book.invoices, id, livemode),
        "pi" => shown(&book.payment_intents, id, livemode),
        "re" => shown(&book.refunds, id, livemode),
        "sub" => shown(&book.subscriptions, id, livemode),
        _ => None,
    }
}
