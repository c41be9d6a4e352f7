//! A section of the configuration: which keys it has, and how they are read.
//!
//! Nothing here stops at the first mistake: an operator who has made five learns of five in one go. That is why values are
//! read key by key with a [`Reader`] instead of deserialized, which ends at the first error. What cannot be read leaves a
//! [`Finding`], and is `None`.

mod base_url;
mod calls;
mod finding;
mod key;
mod path;
mod reader;
mod secret;
mod section;
mod setting;

pub use calls::{BreakerSettings, Calls, LimitSettings, calls};
pub use finding::{Finding, Findings, Severity};
pub use key::{BuiltIn, Declared, KIND, KeyPath, NAME, PROVIDER, QUEUE, SettingKey, Shape};
#[doc(hidden)]
pub use path::joined;
pub use reader::{ANY_TIME, Reader, SOME_TIME, type_of};
pub use secret::SecretRef;
pub use section::{
    Declaration, Given, GroupEntry, KeyAt, MOST_GIVEN, Section, SectionEntry, SectionSecrets,
    Table, path_or_name,
};
pub use setting::{
    Group, Optional, Setting, bytes, flag, group, listen_addr, origin, seconds, secret, secret_by,
    secrets, text, text_by, text_or_table_by, toml_by, whole,
};

use crate::Sections;

/// The origin of what no layer sets.
pub const BUILT_IN: &str = "built-in";

/// The sections of one integration.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// What can be set. A provider's sections stand at `providers.<its name>`; the general keys of every provider
    /// (`criticality`, `sla_percent`, `owner`) need not be among theirs.
    pub sections: &'static [Declaration],
    /// Puts together what has been read of them, and takes out what is off after all. Finds what does not go together among
    /// them, also where one of them is off, or wrong.
    pub complete: fn(&mut Reader<'_>, &mut Sections),
    /// Looks at everything that was read, also by other integrations, for what does not go together.
    pub check: fn(&mut Reader<'_>, &Sections),
}

impl Settings {
    /// Nothing can be set, and there is nothing to be said of sections that they do not say themselves.
    pub const NONE: Self = Self {
        sections: &[],
        complete: |_, _| {},
        check: |_, _| {},
    };
}
