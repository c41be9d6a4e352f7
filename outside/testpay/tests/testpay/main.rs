//! testpay as a payment provider beside Stripe, and its stand-in.

mod answers;
mod stand_in;
mod switch;
