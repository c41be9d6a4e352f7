//! Whatever the books hold, and wherever runs die: the same as the naive comparison.

use proptest::collection::vec;
use proptest::prelude::*;

use super::book::{MadeUp, entry, gone_back, intent};
use super::{FROM, Limits, TO, interrupted, naive, short};
use crate::app::LedgerStatus;

/// One payment of the books that are made up.
#[derive(Debug, Clone)]
struct Planted {
    created: i64,
    /// How much later the app has it.
    lag: i64,
    shape: u8,
    status: &'static str,
    in_app: LedgerStatus,
    money: u8,
    refused: bool,
}

fn planted() -> impl Strategy<Value = Planted> {
    let status = prop::sample::select(vec![
        "succeeded",
        "succeeded",
        "canceled",
        "processing",
        "requires_payment_method",
    ]);
    let in_app = prop::sample::select(vec![
        LedgerStatus::Pending,
        LedgerStatus::Pending,
        LedgerStatus::Paid,
        LedgerStatus::Failed,
        LedgerStatus::Refunded,
    ]);
    // Coarse, so that many share their second; now and then far away from the window.
    let created = prop_oneof![
        9 => (-20_i64..80).prop_map(|n| FROM + n * 60),
        1 => Just(FROM - 100_000),
    ];
    let lag = prop_oneof![3 => -2_i64..3, 1 => -900_i64..900, 1 => -3600_i64..3600];
    (
        created,
        lag,
        0_u8..8,
        status,
        in_app,
        0_u8..14,
        prop::bool::weighted(0.1),
    )
        .prop_map(
            |(created, lag, shape, status, in_app, money, refused)| Planted {
                created,
                lag,
                shape,
                status,
                in_app,
                money,
                refused,
            },
        )
}

fn books(planted: &[Planted], page: usize, repeats: bool) -> MadeUp {
    let mut books = MadeUp::default();
    (books.page, books.repeats) = (page, repeats);
    for (n, one) in planted.iter().enumerate() {
        let (id, order) = (format!("pi_{n}"), format!("o{n}"));
        let mut at_stripe = intent(&id, &order, one.status, one.created);
        let named = (one.shape != 1 && one.shape != 5 && one.shape != 6).then_some(&*id);
        let mut in_app = entry(&order, named, one.in_app);
        match one.money {
            0 => in_app.amount += 1,
            1 => in_app.currency = "sek".to_owned(),
            2 => at_stripe.metadata.clear(),
            3 => at_stripe = gone_back(at_stripe, 1000, false),
            4 => at_stripe = gone_back(at_stripe, 300, false),
            5 => at_stripe = gone_back(at_stripe, 0, true),
            6 => {
                at_stripe.metadata.clear();
                at_stripe.invoice = Some("in_1".to_owned());
            }
            _ => {}
        }
        if one.refused {
            books.refused.insert(order.clone());
        }
        if one.shape != 2 && one.shape != 5 {
            books.plant(at_stripe);
        }
        if one.shape == 6 {
            // A second try at the same order.
            let second = intent(&format!("pi_{n}b"), &order, "canceled", one.created + 30);
            books.plant(second);
        }
        if one.shape != 3 {
            books.enter(one.created + one.lag, in_app);
        }
    }
    books
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_the_naive_comparison_wherever_it_dies(
        planted in vec(planted(), 0..50),
        (page, repeats) in (1_usize..8, any::<bool>()),
        (slice, waiting) in (1_usize..20, 0_usize..5),
        deaths in vec(1_u64..60, 0..6),
        repair in any::<bool>(),
    ) {
        let books = books(&planted, page, repeats);
        let limits = Limits { slice, waiting, ..Limits::with_rows(500) };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let expected = naive::differences(&books, repair);
            let state = interrupted(&books, repair, limits, &deaths).await;
            prop_assert_eq!(short(&state.rows), expected.clone());
            let repaired = expected.iter().filter(|row| row.3).count();
            prop_assert_eq!(state.tally.repaired, repaired as u64);
            prop_assert_eq!(state.tally.differences(), expected.len() as u64);
            prop_assert_eq!(books.told().len(), repaired);
            let within = |created: &i64| (FROM..TO).contains(created);
            let in_app = {
                let ledger = books.ledger.lock().expect("no panic");
                ledger.iter().filter(|(created, _)| within(created)).count()
            };
            prop_assert_eq!(state.tally.in_app, in_app as u64);
            // Once more: nothing is left to repair, and the rest is reported again.
            let expected = naive::differences(&books, repair);
            prop_assert!(expected.iter().all(|row| !row.3));
            let again = interrupted(&books, repair, limits, &[]).await;
            prop_assert_eq!(short(&again.rows), expected);
            Ok(())
        })?;
    }
}
