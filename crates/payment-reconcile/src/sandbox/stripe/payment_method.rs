//! Stripe's payment methods for tests, and what becomes of a payment with each.

use super::problem::Problem;

/// What a card does when it is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charge {
    Succeeds,
    Declined(Decline),
    /// Only the customer can let it pass.
    NeedsCustomer,
}

/// Why a card was declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decline {
    pub(super) code: &'static str,
    pub(super) decline_code: &'static str,
    pub(super) message: &'static str,
}

impl Decline {
    pub(super) const GENERIC: Self = Self {
        code: "card_declined",
        decline_code: "generic_decline",
        message: "Your card was declined.",
    };
    const INSUFFICIENT_FUNDS: Self = Self {
        code: "card_declined",
        decline_code: "insufficient_funds",
        message: "Your card has insufficient funds.",
    };
    const EXPIRED: Self = Self {
        code: "expired_card",
        decline_code: "expired_card",
        message: "Your card has expired.",
    };
    const AUTHENTICATION_REQUIRED: Self = Self {
        code: "authentication_required",
        decline_code: "authentication_required",
        message: "Your card was declined. This transaction requires authentication.",
    };
}

/// What a payment with this method comes to. `off_session`: the customer is not there.
pub(super) fn charge(payment_method: &str, off_session: bool) -> Charge {
    match payment_method {
        "pm_card_chargeDeclined" => Charge::Declined(Decline::GENERIC),
        "pm_card_chargeDeclinedInsufficientFunds" => Charge::Declined(Decline::INSUFFICIENT_FUNDS),
        "pm_card_chargeDeclinedExpiredCard" => Charge::Declined(Decline::EXPIRED),
        "pm_card_authenticationRequired" if off_session => {
            Charge::Declined(Decline::AUTHENTICATION_REQUIRED)
        }
        "pm_card_authenticationRequired" => Charge::NeedsCustomer,
        _ => Charge::Succeeds,
    }
}

/// Whether there is such a payment method.
pub(super) fn check_there(payment_method: Option<&str>) -> Result<(), Problem> {
    match payment_method {
        None
        | Some(
            "pm_card_visa"
            | "pm_card_mastercard"
            | "pm_card_amex"
            | "pm_card_no"
            | "pm_card_chargeDeclined"
            | "pm_card_chargeDeclinedInsufficientFunds"
            | "pm_card_chargeDeclinedExpiredCard"
            | "pm_card_authenticationRequired",
        ) => Ok(()),
        Some(id) => Err(Problem::missing(400, "PaymentMethod", id, "payment_method")),
    }
}
