//! Whom a suppression list is about: by which channel, and which one is meant.

use std::str::FromStr;

use longshore_job::{AddressHash, Person, PersonForm};
use serde::Serialize;

/// How much of a hash has to be written at the least.
const SHORTEST: usize = 8;

/// Which list: each queue that messages go out by has its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageChannel {
    /// Mails, by address.
    #[default]
    Email,
    /// Texts, by number.
    Sms,
}

impl MessageChannel {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Email, Self::Sms];

    /// Its word, which is also the name of the queue that has the list.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }

    /// The one that names people in this form.
    #[must_use]
    pub fn of(form: PersonForm) -> Option<Self> {
        match form {
            PersonForm::Email => Some(Self::Email),
            PersonForm::Phone => Some(Self::Sms),
            PersonForm::Id => None,
        }
    }

    /// How people are named in it.
    pub(crate) fn form(self) -> PersonForm {
        match self {
            Self::Email => PersonForm::Email,
            Self::Sms => PersonForm::Phone,
        }
    }
}

impl FromStr for MessageChannel {
    type Err = InvalidMessageChannel;

    fn from_str(text: &str) -> Result<Self, InvalidMessageChannel> {
        let mut all = Self::ALL.into_iter();
        all.find(|channel| channel.as_str() == text)
            .ok_or(InvalidMessageChannel)
    }
}

/// Not a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the channels are email and sms")]
pub struct InvalidMessageChannel;

/// Which address or number is meant: itself, or the beginning of its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suppressed {
    /// All of the hash.
    Hash(AddressHash),
    /// At least eight digits of it.
    Prefix(String),
}

/// Neither an address nor a number nor a hash. It does not say what it was: that may be somebody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSuppressed {
    /// Of the channel `email`.
    #[error(
        "write the address, local@domain.tld, or at least 8 digits of its hash, as `longshore suppressions list` shows it"
    )]
    Email,
    /// Of the channel `sms`.
    #[error(
        "write the number, +4790000000, or at least 8 digits of its hash, as `longshore suppressions list --channel sms` shows it"
    )]
    Sms,
}

impl Suppressed {
    /// Reads which one of a channel is meant.
    ///
    /// # Errors
    /// When it is neither one that the channel has nor a hash.
    pub fn parse(channel: MessageChannel, text: &str) -> Result<Self, InvalidSuppressed> {
        let text = text.trim();
        let invalid = match channel {
            MessageChannel::Email => InvalidSuppressed::Email,
            MessageChannel::Sms => InvalidSuppressed::Sms,
        };
        if text.contains('@') || text.starts_with('+') {
            return whole(channel, text).map(Self::Hash).ok_or(invalid);
        }
        let digits = text.to_ascii_lowercase();
        let fits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        match digits.parse() {
            Ok(hash) => Ok(Self::Hash(hash)),
            Err(_) if fits && (SHORTEST..64).contains(&digits.len()) => Ok(Self::Prefix(digits)),
            Err(_) => Err(invalid),
        }
    }

    /// The hash of a person, who may be on the list of a channel: the channel, and under which hash. `None` for ids.
    #[must_use]
    pub fn of_person(person: &Person) -> Option<(MessageChannel, Self)> {
        let channel = MessageChannel::of(person.form())?;
        let hash = person.hash().parse().ok()?;
        Some((channel, Self::Hash(hash)))
    }
}

/// The hash of an address or a number, however it is written.
fn whole(channel: MessageChannel, text: &str) -> Option<AddressHash> {
    // What stands on the list stays there even where it is no address.
    if channel == MessageChannel::Email {
        return text.contains('@').then(|| AddressHash::of(text));
    }
    let person = Person::parse(text).ok()?;
    (person.form() == PersonForm::Phone)
        .then(|| person.hash().parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_or_its_hash_is_meant() {
        let ada = AddressHash::of("ada@example.com");
        let meant = |text: &str| Suppressed::parse(MessageChannel::Email, text);
        for text in [
            " Ada@example.com ",
            ada.as_str(),
            &ada.as_str().to_uppercase(),
        ] {
            assert_eq!(meant(text), Ok(Suppressed::Hash(ada.clone())), "{text}");
        }
        let prefix = &ada.as_str()[..8];
        assert_eq!(meant(prefix), Ok(Suppressed::Prefix(prefix.to_owned())));
        for text in [
            "",
            "ada",
            &prefix[1..],
            "not-a-hash",
            &format!("{ada}0"),
            "+4790000000",
        ] {
            assert_eq!(meant(text), Err(InvalidSuppressed::Email), "{text}");
        }
    }

    #[test]
    fn a_number_is_meant_however_it_is_written() {
        let number = AddressHash::of("+4790000000");
        let meant = |text: &str| Suppressed::parse(MessageChannel::Sms, text);
        for text in ["+4790000000", " +47 900 00-000 ", number.as_str()] {
            assert_eq!(meant(text), Ok(Suppressed::Hash(number.clone())), "{text}");
        }
        for text in ["90000", "+47", "+0790000000", "ada@example.com"] {
            assert_eq!(meant(text), Err(InvalidSuppressed::Sms), "{text}");
        }
        let person = Person::parse("+47 90 00 00 00").expect("a person");
        let (channel, hash) = Suppressed::of_person(&person).expect("a number");
        assert_eq!(
            (channel, hash),
            (MessageChannel::Sms, Suppressed::Hash(number))
        );
    }
}
