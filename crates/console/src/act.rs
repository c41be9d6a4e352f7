//! The one way to act: preview, reason, confirm, progress, proof.
//!
//! A page shows what would happen, with a form. What is sent is carried out once, whatever the browser does meanwhile, and
//! leads to where its progress or its proof stands.

pub(crate) mod acts;
pub(crate) mod carry_out;
pub(crate) mod noted;
