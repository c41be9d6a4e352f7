//! The requests that change something: what each says, and what it would come to.

pub(super) mod customer;
pub(super) mod payment_intent;
pub(super) mod refund;
pub(super) mod subscription;
