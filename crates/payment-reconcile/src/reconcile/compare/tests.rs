use super::*;
use crate::stripe::LastError;

const NOW: i64 = 1_800_000_000;
const DAY: i64 = 24 * 3600;

fn intent(status: &str, declined: bool, age: i64) -> PaymentIntent {
    let json = serde_json::json!({
        "id": "pi_1", "status": status, "amount": 1000, "currency": "nok", "created": NOW - age, "livemode": false,
        "amount_received": if status == "succeeded" { 1000 } else { 0 },
    });
    let intent: PaymentIntent = serde_json::from_value(json).expect("an intent");
    let last_payment_error = declined.then_some(LastError {
        code: None,
        decline_code: None,
    });
    PaymentIntent {
        last_payment_error,
        ..intent
    }
}

fn entry(status: LedgerStatus) -> Entry {
    Entry {
        order_id: "o1".to_owned(),
        payment_intent: Some("pi_1".to_owned()),
        status,
        amount: 1000,
        currency: "nok".to_owned(),
        within: true,
        read_at: 0,
    }
}

const STATUSES: [LedgerStatus; 4] = [
    LedgerStatus::Pending,
    LedgerStatus::Paid,
    LedgerStatus::Failed,
    LedgerStatus::Refunded,
];

#[test]
fn every_pair_of_states_is_decided() {
    let not_there = Some(Kind::PaidInAppNotAtStripe);
    let open = [None, not_there, None, not_there];
    let paid = [
        Some(Kind::PaidAtStripePendingInApp),
        None,
        Some(Kind::PaidAtStripeFailedInApp),
        Some(Kind::RefundedInAppNotAtStripe),
    ];
    let failed = [
        Some(Kind::FailedAtStripePendingInApp),
        not_there,
        None,
        not_there,
    ];
    for (status, declined, age, kinds) in [
        ("succeeded", false, 5, paid),
        ("succeeded", true, 5 * DAY, paid),
        ("canceled", false, DAY, open),
        ("canceled", false, DAY + 1, failed),
        ("requires_payment_method", true, DAY, open),
        ("requires_payment_method", true, DAY + 1, failed),
        ("requires_payment_method", false, 9 * DAY, open),
        ("requires_confirmation", true, 9 * DAY, open),
        ("requires_action", true, 9 * DAY, open),
        ("processing", false, 9 * DAY, open),
        ("requires_capture", false, 9 * DAY, open),
        ("something_new", true, 9 * DAY, open),
    ] {
        let payment = Payment::of(&intent(status, declined, age));
        let found = STATUSES.map(|app| compare(&payment, &entry(app), NOW));
        assert_eq!(found, kinds, "{status}, declined: {declined}, age {age} s");
    }
}

#[test]
fn what_went_back_is_never_paid() {
    let (all, part, bank) = (
        Some(Kind::RefundedAtStripe),
        Some(Kind::PartlyRefundedAtStripe),
        Some(Kind::DisputedAtStripe),
    );
    for (captured, refunded, disputed, kinds) in [
        (true, 1000, false, [all, all, all, None]),
        (true, 1000, true, [all, all, all, None]),
        (true, 1, false, [part, None, part, None]),
        (true, 999, false, [part, None, part, None]),
        (true, 0, true, [bank, bank, bank, None]),
        (true, 1, true, [bank, bank, bank, None]),
    ] {
        let charge = serde_json::json!({
            "id": "ch_1", "amount": 1000, "amount_captured": 1000, "captured": captured,
            "amount_refunded": refunded, "disputed": disputed, "currency": "nok",
        });
        let paid = PaymentIntent {
            latest_charge: Some(serde_json::from_value(charge).expect("a charge")),
            ..intent("succeeded", false, 5)
        };
        let payment = Payment::of(&paid);
        let found = STATUSES.map(|app| compare(&payment, &entry(app), NOW));
        assert_eq!(found, kinds, "{refunded} refunded, disputed: {disputed}");
    }
}

#[test]
fn an_authorisation_that_was_let_go_is_a_failed_payment() {
    // Stripe calls its charge refunded, and nothing was ever collected.
    let charge = serde_json::json!({
        "id": "ch_1", "amount": 1000, "amount_captured": 0, "captured": false, "amount_refunded": 1000,
        "disputed": false, "currency": "nok",
    });
    let let_go = PaymentIntent {
        latest_charge: Some(serde_json::from_value(charge).expect("a charge")),
        ..intent("canceled", false, 5 * DAY)
    };
    let found = compare(&Payment::of(&let_go), &entry(LedgerStatus::Pending), NOW);
    assert_eq!(found, Some(Kind::FailedAtStripePendingInApp));
}

#[test]
fn a_cancelled_payment_counts_from_its_cancellation() {
    let mut cancelled = intent("canceled", false, 9 * DAY);
    for (ago, kind) in [
        (DAY, None),
        (DAY + 1, Some(Kind::FailedAtStripePendingInApp)),
    ] {
        cancelled.canceled_at = Some(NOW - ago);
        let payment = Payment::of(&cancelled);
        assert_eq!(compare(&payment, &entry(LedgerStatus::Pending), NOW), kind);
    }
}

#[test]
fn money_comes_before_states() {
    for status in STATUSES {
        for word in ["succeeded", "canceled", "processing"] {
            let mut intent = intent(word, false, 9 * DAY);
            let mut other = entry(status);
            (other.amount, other.currency) = (1001, "sek".to_owned());
            let payment = Payment::of(&intent);
            assert_eq!(compare(&payment, &other, NOW), Some(Kind::WrongCurrency));
            intent.currency = "SEK".to_owned();
            let payment = Payment::of(&intent);
            assert_eq!(compare(&payment, &other, NOW), Some(Kind::WrongAmount));
        }
    }
}

#[test]
fn what_was_paid_counts_not_what_was_asked() {
    let mut intent = intent("succeeded", false, 5);
    intent.amount_received = 900;
    let found = compare(&Payment::of(&intent), &entry(LedgerStatus::Paid), NOW);
    assert_eq!(found, Some(Kind::WrongAmount));
}

#[test]
fn words_are_the_ones_that_are_written() {
    for kind in Kind::ALL {
        assert_eq!(serde_json::json!(kind), kind.as_str());
    }
    for status in STATUSES {
        let json = serde_json::to_value(entry(status)).expect("JSON");
        assert_eq!(json["status"], word(status));
        let back: Entry = serde_json::from_value(json).expect("an entry");
        assert_eq!(back, entry(status));
    }
}
