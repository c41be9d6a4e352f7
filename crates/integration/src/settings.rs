//! A section of the configuration: which keys it has, and how they are read.
//!
//! Nothing here stops at the first mistake: an operator who has made five learns of five in one go. That is why values are
//! read key by key with a [`Reader`] instead of deserialized, which ends at the first error. What cannot be read leaves a
//! [`Finding`], and is `None`.

pub mod base_url;
mod calls;
mod finding;
mod key;
mod reader;
pub mod secret;

pub use calls::{Breaker, Calls, Limit};
pub use finding::{Finding, Findings, Severity};
pub use key::{BuiltIn, Declared, KIND, Key, KeyPath, NAME, PROVIDER, QUEUE, Shape};
pub use reader::{ANY_TIME, Reader, SOME_TIME, type_of};
pub use secret::SecretRef;

use crate::Sections;

/// The origin of what no layer sets.
pub const BUILT_IN: &str = "built-in";

/// The sections of one integration.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Their keys. A provider's begin with `providers.<its name>`; the general ones of every provider
    /// (`criticality`, `sla_percent`, `owner`) need not be here.
    pub keys: &'static [&'static [Key]],
    /// Reads them, and puts what it has read among the sections. What is off, or wrong, is left out.
    pub read: fn(&mut Reader<'_>, &mut Sections),
    /// Looks at everything that was read, also by other integrations, for what does not go together.
    pub check: fn(&mut Reader<'_>, &Sections),
    /// Every secret of what is on, by its key.
    pub secrets: for<'a> fn(&'a Sections) -> Vec<(&'static str, &'a SecretRef)>,
}

impl Settings {
    /// Nothing can be set.
    pub const NONE: Self = Self {
        keys: &[],
        read: |_, _| {},
        check: |_, _| {},
        secrets: |_| Vec::new(),
    };
}
