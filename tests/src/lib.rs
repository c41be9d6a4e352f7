//! What the flows share.

mod eventually;

pub use eventually::{eventually, within};
