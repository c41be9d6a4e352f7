//! A section, declared once: its struct, its keys with their defaults and texts, its reading and its secrets.

use super::key::{BuiltIn, KeyPath, SettingKey};
use super::reader::Reader;
use super::secret::SecretRef;
use crate::Sections;

/// Settings that stand together. [`section!`](crate::section) makes them; by hand it is done where keys are not read one
/// by one.
pub trait Section: Sized {
    /// Where it stands: `worker`, `providers.twilio`, `queues.<queue>`. Empty for what has its place from the section
    /// that it is part of, and for keys at the top.
    const AT: &'static str;
    /// What stands above it where it is explained.
    const DOC: &'static [&'static str];
    /// Its keys, and the sections in it.
    const ENTRIES: &'static [SectionEntry];

    /// Reads it at this place. `None` when something is wrong, which is found, or not set and without a default: then
    /// what the section is for is off.
    fn read(reader: &mut Reader<'_>, at: &KeyPath) -> Option<Self>;

    /// Adds every secret in it, by its key.
    fn secrets<'a>(&'a self, at: &KeyPath, found: &mut SectionSecrets<'a>);

    /// Reads it at its own place.
    fn read_here(reader: &mut Reader<'_>) -> Option<Self> {
        Self::read(reader, &Self::AT.into())
    }
}

/// Secrets by their keys.
pub type SectionSecrets<'a> = Vec<(String, &'a SecretRef)>;

/// What is declared in a section.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::large_enum_variant,
    reason = "it stands in constants, where nothing can be boxed"
)]
pub enum SectionEntry {
    /// A key, by its name in the section.
    Key(&'static str, SettingKey),
    /// A section in it.
    Group(GroupEntry),
}

/// A section in another.
#[derive(Debug, Clone, Copy)]
pub struct GroupEntry {
    /// Its name; empty where its keys are among those of the section around it.
    pub name: &'static str,
    /// What stands above it.
    pub doc: &'static [&'static str],
    /// What is in it.
    pub entries: &'static [SectionEntry],
    /// What holds for it here, and not wherever it stands.
    pub given: [Option<Given>; MOST_GIVEN],
    /// How it is written on one line, where that is an example of it.
    pub inline: Option<&'static str>,
}

/// How many keys of a section can have values of their own where it is part of another.
pub const MOST_GIVEN: usize = 8;

/// What holds for one key of a section where it is part of another.
#[derive(Debug, Clone, Copy)]
pub struct Given {
    /// The key, seen from the inner section.
    pub name: &'static str,
    /// Its default here.
    pub default: Option<&'static str>,
    /// An example for here.
    pub example: Option<&'static str>,
    /// Why it is so here, for those who read the file.
    pub because: &'static str,
}

/// A section of a program: what [`Section`] says of a type, without the type.
#[derive(Debug, Clone, Copy)]
pub struct Declaration {
    /// Where it stands.
    pub at: &'static str,
    /// What stands above it.
    pub doc: &'static [&'static str],
    /// Its keys, and the sections in it.
    pub entries: &'static [SectionEntry],
    /// Reads it, and puts it among the sections unless it is off, or wrong.
    pub read: fn(&mut Reader<'_>, &mut Sections),
    /// Every secret in it, if it is among the sections.
    pub secrets: for<'a> fn(&'a Sections) -> SectionSecrets<'a>,
}

impl Declaration {
    /// That of a type.
    #[must_use]
    pub const fn of<T: Section + Send + Sync + 'static>() -> Self {
        Self {
            at: T::AT,
            doc: T::DOC,
            entries: T::ENTRIES,
            read: |reader, sections| {
                if let Some(section) = T::read_here(reader) {
                    sections.insert(section);
                }
            },
            secrets: |sections| {
                let mut found = Vec::new();
                if let Some(section) = sections.get::<T>() {
                    section.secrets(&T::AT.into(), &mut found);
                }
                found
            },
        }
    }

    /// All keys in it, those of the sections in it included.
    #[must_use]
    pub fn keys(&self) -> Vec<KeyAt> {
        let mut keys = Vec::new();
        let table = Table {
            at: self.at.into(),
            doc: self.doc,
            inline: None,
        };
        walk(self.entries, &table, &[], &mut keys);
        keys
    }
}

/// A key, and where it stands.
#[derive(Debug, Clone)]
pub struct KeyAt {
    /// The table that it is in.
    pub table: Table,
    /// Its name in the table.
    pub name: String,
    /// What is known of it, here.
    pub key: SettingKey,
    /// Why its value is what it is here, where that has to be said.
    pub because: &'static str,
}

/// A table of the configuration.
#[derive(Debug, Clone)]
pub struct Table {
    /// Where it stands.
    pub at: KeyPath,
    /// What stands above it.
    pub doc: &'static [&'static str],
    /// Its name in the table around it, and how it is written there on one line, where it is.
    pub inline: Option<(&'static str, &'static str)>,
}

impl KeyAt {
    /// Where it stands, with `<queue>` and the like for any name.
    #[must_use]
    pub fn path(&self) -> KeyPath {
        self.table.at.under(&self.name)
    }
}

/// What is given for a section, and what its keys' names begin with as seen from there.
type OuterSection<'a> = (String, &'a [Option<Given>]);

fn walk(
    entries: &'static [SectionEntry],
    table: &Table,
    around: &[OuterSection<'_>],
    keys: &mut Vec<KeyAt>,
) {
    for entry in entries {
        match entry {
            SectionEntry::Key(name, key) => {
                let mut at = KeyAt {
                    table: table.clone(),
                    name: (*name).to_owned(),
                    key: *key,
                    because: "",
                };
                for (prefix, given) in around {
                    let name = format!("{prefix}{name}");
                    let given = given.iter().flatten().filter(|given| given.name == name);
                    given.for_each(|given| at.take(given));
                }
                keys.push(at);
            }
            SectionEntry::Group(group) => {
                let dot = if group.name.is_empty() { "" } else { "." };
                let inner = match group.name {
                    "" => table.clone(),
                    name => Table {
                        at: table.at.under(name),
                        doc: group.doc,
                        inline: group.inline.map(|example| (name, example)),
                    },
                };
                // From the inside out: what is said farther out is the last word.
                let own = std::iter::once((String::new(), group.given.as_slice()));
                let outer = around
                    .iter()
                    .map(|(prefix, given)| (format!("{prefix}{}{dot}", group.name), *given));
                let around: Vec<_> = own.chain(outer).collect();
                walk(group.entries, &inner, &around, keys);
            }
        }
    }
}

impl KeyAt {
    fn take(&mut self, given: &Given) {
        if let Some(default) = given.default {
            self.key.built_in = BuiltIn::Always(default);
        }
        self.key.example = given.example.or(self.key.example);
        if !given.because.is_empty() {
            self.because = given.because;
        }
    }
}
/// Declares a section once: the struct that the program gets, and from it the keys with their texts, defaults and
/// examples, the reading with its findings, and the list of secrets.
///
/// What is written above a field explains the key to operators, too: in `default.toml` and in the reference page.
///
/// ```
/// use std::time::Duration;
///
/// use longshore_integration::section;
/// use longshore_integration::settings::{Calls, SOME_TIME, SecretRef, calls, seconds, secret, text};
///
/// section! {
///     /// How faxes are sent.
///     pub struct FaxSettings in "providers.fax" {
///         /// The token of the account.
///         pub token: SecretRef = "token" as TOKEN, secret("fax is off").example("env:FAX_TOKEN");
///         /// Who faxes are from.
///         pub from: Option<String> = "from", text().optional().example("Harbour");
///         /// How long a number may ring.
///         pub ring: Duration = "ring_seconds", seconds(SOME_TIME).or("20");
///         /// How it is called.
///         pub calls: Calls = "", calls("10", "1");
///     }
/// }
///
/// assert_eq!(FaxSettings::TOKEN, "providers.fax.token");
/// ```
///
/// `as NAME` makes a constant of the key's path, for findings and cures; of its name, where it has no one path. `in ""` is
/// for a section that is part of others, by [`group`](crate::settings::group). `derive(…)` before `in` adds to `Debug` and `Clone`.
#[macro_export]
macro_rules! section {
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident $(derive($($derive:ident),*))? in $at:literal {
            $(
                $(#[doc = $field_doc:literal])*
                $field_vis:vis $field:ident: $type:ty = $key:literal $(as $path:ident)?, $how:expr;
            )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone $(, $($derive),*)?)]
        $vis struct $name {
            $(
                $(#[doc = $field_doc])*
                $field_vis $field: $type,
            )*
        }

        impl $name {
            $($(
                #[doc = concat!("The key `", $key, "`.")]
                $field_vis const $path: &'static str =
                    $crate::settings::path_or_name($at, $key, concat!($at, ".", $key));
            )?)*
        }

        impl $crate::settings::Section for $name {
            const AT: &'static str = $at;
            const DOC: &'static [&'static str] = &[$($doc),*];
            const ENTRIES: &'static [$crate::settings::SectionEntry] = &[
                $($how.entry($key, &[$($field_doc),*])),*
            ];

            fn read(
                reader: &mut $crate::settings::Reader<'_>,
                at: &$crate::settings::KeyPath,
            ) -> Option<Self> {
                // All of them, before the first that is missing ends it: each wrong one is found. At once, so that no field
                // stands before a function of its name.
                let ($($field,)*) = ($($how.read(reader, &at.under($key)),)*);
                Some(Self { $($field: $field?),* })
            }

            fn secrets<'a>(
                &'a self,
                at: &$crate::settings::KeyPath,
                found: &mut $crate::settings::SectionSecrets<'a>,
            ) {
                $($how.secrets(&self.$field, &at.under($key), found);)*
            }
        }
    };
}

/// The path of a key; only its name, where it stands at several places.
#[doc(hidden)]
#[must_use]
pub const fn path_or_name(at: &str, name: &'static str, path: &'static str) -> &'static str {
    let mut n = 0;
    while n < at.len() {
        if at.as_bytes()[n] == b'<' {
            return name;
        }
        n += 1;
    }
    if at.is_empty() { name } else { path }
}
