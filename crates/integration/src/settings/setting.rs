//! What can be declared of a key: its type, its default or an example, and how it is read.

use std::marker::PhantomData;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use longshore_provider::Origin;

use super::base_url;
use super::key::{BuiltIn, KeyPath, SettingKey, Shape};
use super::reader::Reader;
use super::secret::{self, SecretRef};
use super::section::{Given, GroupEntry, MOST_GIVEN, Section, SectionEntry, SectionSecrets};
use crate::{Inventory, QueueSpec};

/// Reads one value. What cannot be read leaves a finding, and is `None`.
type Read<T> = fn(&mut Reader<'_>, &KeyPath, &Within) -> Option<T>;

/// What a value has to keep to.
#[derive(Debug, Clone, Copy)]
struct Within {
    low: f64,
    high: f64,
    /// What follows where there is no such secret.
    without: &'static str,
}

const ANYTHING: Within = Within {
    low: f64::MIN,
    high: f64::MAX,
    without: "",
};

/// A key with a value of this type. While it is not set and has no default, its section is off.
#[derive(Debug, Clone, Copy)]
pub struct Setting<T> {
    key: SettingKey,
    within: Within,
    read: How<T>,
    also: Option<Check<T>>,
    secrets: for<'a> fn(&'a T) -> Vec<&'a SecretRef>,
}

/// Looks at a value beside what it is by itself, such as at the profile, and notes what is wrong.
type Check<T> = fn(&mut Reader<'_>, &KeyPath, &T);

#[derive(Debug, Clone, Copy)]
enum How<T> {
    Within(Read<T>),
    By(fn(&mut Reader<'_>, &KeyPath) -> Option<T>),
}

/// A key that may be left out. A text may be set to an empty one, too: that is how one layer takes back the value of another.
#[derive(Debug, Clone, Copy)]
pub struct Optional<T>(Setting<T>);

/// A section that is part of another.
#[derive(Debug, Clone, Copy)]
pub struct Group<S> {
    given: [Option<Given>; MOST_GIVEN],
    inline: Option<&'static str>,
    section: PhantomData<fn() -> S>,
}

impl<T> Setting<T> {
    const fn new(shape: Shape, read: How<T>) -> Self {
        Self {
            key: SettingKey {
                doc: &[],
                shape,
                built_in: BuiltIn::None,
                example: None,
                secret: false,
            },
            within: ANYTHING,
            read,
            also: None,
            secrets: |_| Vec::new(),
        }
    }

    /// This is its value when no layer sets it, written as in the environment.
    #[must_use]
    pub const fn or(self, default: &'static str) -> Self {
        self.built_in(BuiltIn::Always(default))
    }

    /// Its value when no layer sets it, by queue.
    #[must_use]
    pub const fn or_per_queue(self, default: fn(&QueueSpec) -> Option<String>) -> Self {
        self.built_in(BuiltIn::PerQueue(default))
    }

    /// Its value when no layer sets it, by provider.
    #[must_use]
    pub const fn or_per_provider(self, default: fn(Inventory) -> Option<&'static str>) -> Self {
        self.built_in(BuiltIn::PerProvider(default))
    }

    const fn built_in(mut self, built_in: BuiltIn) -> Self {
        self.key.built_in = built_in;
        self
    }

    /// What it may be, where nobody can say what it is by default; written as in the environment.
    #[must_use]
    pub const fn example(mut self, example: &'static str) -> Self {
        self.key.example = Some(example);
        self
    }

    /// Looks at the value, too, once it is read.
    #[must_use]
    pub const fn checked(mut self, also: Check<T>) -> Self {
        self.also = Some(also);
        self
    }

    /// It may be left out.
    #[must_use]
    pub const fn optional(self) -> Optional<T> {
        Optional(self)
    }

    /// What is declared of it, under its name and with its text.
    #[must_use]
    pub const fn entry(mut self, name: &'static str, doc: &'static [&'static str]) -> SectionEntry {
        self.key.doc = doc;
        SectionEntry::Key(name, self.key)
    }

    /// Its value.
    pub fn read(&self, reader: &mut Reader<'_>, path: &KeyPath) -> Option<T> {
        let value = match self.read {
            How::Within(read) => read(reader, path, &self.within),
            How::By(read) => read(reader, path),
        }?;
        if let Some(also) = self.also {
            also(reader, path, &value);
        }
        Some(value)
    }

    /// The secrets in its value.
    pub fn secrets<'a>(&self, value: &'a T, path: &KeyPath, found: &mut SectionSecrets<'a>) {
        let secrets = (self.secrets)(value).into_iter();
        found.extend(secrets.map(|secret| (path.to_string(), secret)));
    }
}

impl<T> Optional<T> {
    /// See [`Setting::example`].
    #[must_use]
    pub const fn example(self, example: &'static str) -> Self {
        Self(self.0.example(example))
    }

    /// See [`Setting::or_per_queue`].
    #[must_use]
    pub const fn or_per_queue(self, default: fn(&QueueSpec) -> Option<String>) -> Self {
        Self(self.0.or_per_queue(default))
    }

    /// See [`Setting::or_per_provider`].
    #[must_use]
    pub const fn or_per_provider(self, default: fn(Inventory) -> Option<&'static str>) -> Self {
        Self(self.0.or_per_provider(default))
    }

    /// See [`Setting::entry`].
    #[must_use]
    pub const fn entry(self, name: &'static str, doc: &'static [&'static str]) -> SectionEntry {
        self.0.entry(name, doc)
    }

    /// `Some(None)` while it is not set.
    pub fn read(&self, reader: &mut Reader<'_>, path: &KeyPath) -> Option<Option<T>> {
        if !reader.has(path) {
            return Some(None);
        }
        let is_emptied = self.0.key.shape != Shape::Toml && !reader.is_set(path);
        match is_emptied {
            false => self.0.read(reader, path).map(Some),
            // It is likely a variable that nobody has set: that is said.
            true if self.0.key.secret => Some(self.0.read(reader, path)),
            true => Some(None),
        }
    }

    /// See [`Setting::secrets`].
    pub fn secrets<'a>(
        &self,
        value: &'a Option<T>,
        path: &KeyPath,
        found: &mut SectionSecrets<'a>,
    ) {
        if let Some(value) = value {
            self.0.secrets(value, path, found);
        }
    }
}

impl<S: Section> Group<S> {
    /// The default of one of its keys, here.
    #[must_use]
    pub const fn with(self, name: &'static str, default: &'static str) -> Self {
        self.give(name, Some(default), None, "")
    }

    /// Why the default of one of its keys is what it is here, for those who read it in the file.
    #[must_use]
    pub const fn because(self, name: &'static str, because: &'static str) -> Self {
        self.give(name, None, None, because)
    }

    /// An example of one of its keys, for here.
    #[must_use]
    pub const fn example(self, name: &'static str, example: &'static str) -> Self {
        self.give(name, None, Some(example), "")
    }

    const fn give(
        mut self,
        name: &'static str,
        default: Option<&'static str>,
        example: Option<&'static str>,
        because: &'static str,
    ) -> Self {
        let mut n = 0;
        while self.given[n].is_some() {
            n += 1;
        }
        self.given[n] = Some(Given {
            name,
            default,
            example,
            because,
        });
        self
    }

    /// It is shown on one line of the section around it, as this example.
    #[must_use]
    pub const fn inline(mut self, example: &'static str) -> Self {
        self.inline = Some(example);
        self
    }

    /// What is declared of it.
    #[must_use]
    pub const fn entry(self, name: &'static str, doc: &'static [&'static str]) -> SectionEntry {
        SectionEntry::Group(GroupEntry {
            name,
            doc,
            entries: S::ENTRIES,
            given: self.given,
            inline: self.inline,
        })
    }

    /// See [`Section::read`].
    pub fn read(&self, reader: &mut Reader<'_>, at: &KeyPath) -> Option<S> {
        S::read(reader, at)
    }

    /// See [`Section::secrets`].
    pub fn secrets<'a>(&self, value: &'a S, at: &KeyPath, found: &mut SectionSecrets<'a>) {
        value.secrets(at, found);
    }
}

/// A section that is part of another.
#[must_use]
pub const fn group<S: Section>() -> Group<S> {
    Group {
        given: [None; MOST_GIVEN],
        inline: None,
        section: PhantomData,
    }
}

/// A text.
#[must_use]
pub const fn text() -> Setting<String> {
    text_by(|reader, path| reader.text(path))
}

/// A text that a function of its own reads. `None` from it has to have left a finding.
#[must_use]
pub const fn text_by<T>(read: fn(&mut Reader<'_>, &KeyPath) -> Option<T>) -> Setting<T> {
    Setting::new(Shape::Text, How::By(read))
}

/// A number, a flag, a list or a table that a function of its own reads. `None` from it has to have left a finding.
#[must_use]
pub const fn toml_by<T>(read: fn(&mut Reader<'_>, &KeyPath) -> Option<T>) -> Setting<T> {
    Setting::new(Shape::Toml, How::By(read))
}

/// A text, or a table with keys of its own, that a function of its own reads.
#[must_use]
pub const fn text_or_table_by<T>(read: fn(&mut Reader<'_>, &KeyPath) -> Option<T>) -> Setting<T> {
    Setting::new(Shape::TextOrTable, How::By(read))
}

const fn number<T>(range: (f64, f64), read: Read<T>) -> Setting<T> {
    let mut setting = Setting::new(Shape::Toml, How::Within(read));
    setting.within.low = range.0;
    setting.within.high = range.1;
    setting
}

/// True or false.
#[must_use]
pub const fn flag() -> Setting<bool> {
    toml_by(|reader, path| reader.flag(path))
}

/// A whole number.
#[must_use]
pub const fn whole(range: RangeInclusive<u32>) -> Setting<u32> {
    number(
        (*range.start() as f64, *range.end() as f64),
        |reader, path, within| {
            // Exact: both were of this type.
            reader.whole(path, within.low as u32..=within.high as u32)
        },
    )
}

/// A number of seconds, fractions allowed.
#[must_use]
pub const fn seconds(range: RangeInclusive<f64>) -> Setting<Duration> {
    number((*range.start(), *range.end()), |reader, path, within| {
        reader.seconds(path, within.low..=within.high)
    })
}

/// A number of bytes, or a text with a unit.
#[must_use]
pub const fn bytes() -> Setting<u64> {
    toml_by(|reader, path| reader.bytes(path))
}

/// An address to listen on.
#[must_use]
pub const fn listen_addr() -> Setting<SocketAddr> {
    text_by(|reader, path| reader.listen_addr(path))
}

/// The origin of a provider: https, or http for loopback, which production does not take either.
#[must_use]
pub const fn origin() -> Setting<Origin> {
    text_by(base_url::read)
}

/// A secret, or where it is kept. `without` says what follows where there is none.
#[must_use]
pub const fn secret(without: &'static str) -> Setting<SecretRef> {
    let mut setting = Setting::new(
        Shape::Text,
        How::Within(|reader, path, within| secret::read(reader, path, within.without)),
    );
    setting.key.secret = true;
    setting.within.without = without;
    setting.secrets = |secret| vec![secret];
    setting
}

/// A text that is, or holds, a secret, which a function of its own reads.
#[must_use]
pub const fn secret_by(
    read: fn(&mut Reader<'_>, &KeyPath) -> Option<SecretRef>,
) -> Setting<SecretRef> {
    let mut setting = text_by(read);
    setting.key.secret = true;
    setting.secrets = |secret| vec![secret];
    setting
}

/// Secrets, or where they are kept: the old one and the new one while they change. None where it is not set.
#[must_use]
pub const fn secrets() -> Setting<Vec<SecretRef>> {
    let mut setting = toml_by(secret::read_list);
    setting.key.secret = true;
    setting.secrets = |secrets| secrets.iter().collect();
    setting
}
