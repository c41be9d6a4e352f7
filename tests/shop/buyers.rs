//! Browsers that place orders, each twice.

use std::ops::RangeInclusive;

use longshore_tests::http;
use serde_json::json;

use crate::place::Place;

/// What is to become of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Its mail is sent.
    Sent,
    /// Its mail is refused by the provider.
    Failed,
    /// Postgres refuses it, and its mail is rolled back with it.
    RolledBack,
}

/// An order that was placed, or refused.
pub(crate) struct Placed {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) fate: Fate,
}

/// Places the orders of these numbers. Every fifth asks for no pieces, which Postgres refuses; the mail of every twelfth goes to the address
/// that is refused.
pub(crate) async fn buy(
    place: &Place,
    numbers: RangeInclusive<usize>,
    refused: &str,
) -> Vec<Placed> {
    let mut placed = Vec::new();
    for number in numbers {
        let (email, pieces, fate) = match (number % 5, number % 12) {
            (0, _) => (buyer(number), 0, Fate::RolledBack),
            (_, 0) => (refused.to_owned(), 1, Fate::Failed),
            _ => (buyer(number), 1, Fate::Sent),
        };
        let id = format!("A-{number}");
        let order = json!({ "id": id, "email": email, "pieces": pieces }).to_string();
        let answers = [ask(place, &order).await, ask(place, &order).await];
        let expected = match fate {
            Fate::RolledBack => [422, 422],
            Fate::Sent | Fate::Failed => [201, 200],
        };
        assert_eq!(answers, expected, "{order}");
        placed.push(Placed { id, email, fate });
    }
    placed
}

fn buyer(number: usize) -> String {
    format!("buyer{number}@example.com")
}

async fn ask(place: &Place, order: &str) -> u16 {
    let json = [("Content-Type", "application/json")];
    http::request(place.shop, "POST /orders", &json, order)
        .await
        .0
}
