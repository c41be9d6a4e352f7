//! Args that name a person, and how one person is found again in what is kept of jobs.

#[cfg(feature = "suppression")]
mod search;

use std::fmt;

use serde::{Deserialize, Serialize};

/// An arg that names a person: the address, the number or the id of somebody.
///
/// ```
/// use longshore_job::PersonArg;
///
/// const ARGS: &[PersonArg] = &[PersonArg::email("to.email"), PersonArg::id("user_id")];
/// assert_eq!(ARGS[0].path, "to.email");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonArg {
    /// Where it is among the args, with dots between the names of fields. Of a list each element is meant. `body.**` is every text
    /// below `body`, however deep: it counts if it has the form.
    pub path: &'static str,
    /// How two of them are compared.
    pub form: PersonForm,
    /// Whether the job is carried out without this person, if nothing may be sent to them: they get a copy, or are named.
    pub is_beside: bool,
}

impl PersonArg {
    const fn new(path: &'static str, form: PersonForm) -> Self {
        let is_beside = false;
        Self {
            path,
            form,
            is_beside,
        }
    }

    /// An address of a mail.
    #[must_use]
    pub const fn email(path: &'static str) -> Self {
        Self::new(path, PersonForm::Email)
    }

    /// The same, of somebody without whom the job is carried out, if nothing may be sent to them.
    #[must_use]
    pub const fn beside(self) -> Self {
        Self {
            is_beside: true,
            ..self
        }
    }

    /// What stands there in some args.
    #[cfg(feature = "suppression")]
    #[must_use]
    pub fn values_in(&self, args: &serde_json::Value) -> Vec<String> {
        let mut values = Vec::new();
        at(args, self.path, &mut |text| values.push(text.to_owned()));
        values
    }

    /// A telephone number in E.164.
    #[must_use]
    pub const fn phone(path: &'static str) -> Self {
        Self::new(path, PersonForm::Phone)
    }

    /// An id that somebody has in the application, or at a provider: a user, a customer.
    #[must_use]
    pub const fn id(path: &'static str) -> Self {
        Self::new(path, PersonForm::Id)
    }
}

/// By what a person is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PersonForm {
    /// An address of a mail: trimmed and in lower case, as the suppression list compares them.
    Email,
    /// A telephone number in E.164: `+` and 7 to 15 digits, whatever blanks, points and dashes are between them.
    Phone,
    /// Any other id: exactly.
    Id,
}

impl PersonForm {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Id => "id",
        }
    }

    /// The one way to write a person of this form; `None` where the text is none.
    #[cfg(feature = "suppression")]
    fn normal(self, text: &str) -> Option<String> {
        let text = text.trim();
        match self {
            Self::Email => text.contains('@').then(|| text.to_lowercase()),
            Self::Phone => number(text),
            Self::Id => Some(text.to_owned()).filter(|id| !id.is_empty()),
        }
    }

    /// The form of what somebody has written to name a person.
    #[cfg(feature = "suppression")]
    fn of(text: &str) -> Result<Self, InvalidPerson> {
        if text.is_empty() {
            return Err(InvalidPerson("is empty"));
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidPerson("has control characters"));
        }
        if text.len() > 254 {
            return Err(InvalidPerson("is too long, 254 bytes at the most"));
        }
        if text.contains('@') && !text.contains(char::is_whitespace) {
            return match crate::is_email_address(text) {
                true => Ok(Self::Email),
                false => Err(InvalidPerson("has an @, and is no address")),
            };
        }
        if text.starts_with('+') {
            return match number(text) {
                Some(_) => Ok(Self::Phone),
                None => Err(InvalidPerson("begins with +, and is no number in E.164")),
            };
        }
        match text.contains(char::is_whitespace) {
            true => Err(InvalidPerson("has blanks: an id has none")),
            false => Ok(Self::Id),
        }
    }
}

/// A telephone number without what is written between its digits.
#[cfg(feature = "suppression")]
fn number(text: &str) -> Option<String> {
    let rest = text.strip_prefix('+')?;
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    let between = |c: char| c.is_ascii_digit() || is_between(c);
    let fits = rest.chars().all(between) && (7..=15).contains(&digits.len());
    (fits && !digits.starts_with('0')).then(|| format!("+{digits}"))
}

/// What people write between the digits of a number.
#[cfg(feature = "suppression")]
fn is_between(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '-' | '.' | '(' | ')' | '/')
}

/// What was written names no person. It does not say what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the person: {0}; write an address (local@domain.tld), a number (+4790000000), or an id as the args have it (user-7)"
)]
pub struct InvalidPerson(&'static str);

/// One person, by a hash: whoever has it can tell of a guess whether it is right, and cannot read it.
///
/// Of an address it is the hash that the suppression list has.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    form: PersonForm,
    /// SHA-256, in 64 hexadecimal digits.
    hash: String,
}

/// Where a person stands in a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Found {
    /// An arg that names a person names this one.
    Named,
    /// Somewhere else: in a text, in the args before an edit, in an idempotency key, in what does not decode.
    Mentioned,
}

#[cfg(feature = "suppression")]
impl Person {
    /// Who is meant by an address, a number or an id.
    ///
    /// # Errors
    /// When it is none of them.
    pub fn parse(text: &str) -> Result<Self, InvalidPerson> {
        let text = text.trim();
        let form = PersonForm::of(text)?;
        let normal = form.normal(text).ok_or(InvalidPerson("is none"))?;
        let hash = crate::suppression::sha256(&normal);
        Ok(Self { form, hash })
    }

    /// Whether this text as a whole is the person.
    fn is(&self, text: &str) -> bool {
        let normal = self.form.normal(text);
        normal.is_some_and(|normal| crate::suppression::sha256(&normal) == self.hash)
    }

    /// Whether the value at this path of some args is the person.
    #[must_use]
    pub fn is_at(&self, args: &serde_json::Value, path: &str) -> bool {
        let mut is_there = false;
        at(args, path, &mut |text| is_there |= self.is(text));
        is_there
    }

    /// SHA-256 of who it is, in 64 hexadecimal digits: of an address and a number as the suppression lists have it.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// By what the person is named.
    #[must_use]
    pub fn form(&self) -> PersonForm {
        self.form
    }
}

/// The end of a path that stands for every text below.
#[cfg(feature = "suppression")]
const ANYWHERE: &str = "**";

/// Hands on each text or number at this path of some args.
#[cfg(feature = "suppression")]
fn at(args: &serde_json::Value, path: &str, see: &mut impl FnMut(&str)) {
    use serde_json::Value;
    match args {
        Value::Array(values) => {
            for value in values {
                at(value, path, see);
            }
        }
        Value::Object(fields) if path == ANYWHERE => {
            for value in fields.values() {
                at(value, path, see);
            }
        }
        Value::Object(fields) if !path.is_empty() => {
            let (name, rest) = path.split_once('.').unwrap_or((path, ""));
            if let Some(value) = fields.get(name) {
                at(value, rest, see);
            }
        }
        Value::String(text) if path.is_empty() || path == ANYWHERE => see(text),
        Value::Number(id) if path.is_empty() || path == ANYWHERE => see(&id.to_string()),
        _ => {}
    }
}

/// The form, and eight digits of the hash: enough to tell the person from others, and not enough to find out of a guess
/// whether it is right.
impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.hash.get(..8).unwrap_or_default();
        write!(f, "{} {digits}", self.form.as_str())
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Person({self})")
    }
}

#[cfg(all(test, feature = "suppression"))]
mod tests {
    use serde_json::json;

    use super::*;

    fn person(text: &str) -> Person {
        Person::parse(text).expect("a person")
    }

    #[test]
    fn a_person_is_the_same_however_it_is_written() {
        for ada in ["ada@example.com", " Ada@Example.COM\n"] {
            assert_eq!(person(ada).to_string(), "email b5fc85e5", "{ada:?}");
        }
        for number in ["+4790000000", "+47 900 00 000", "+47-900.00(000)"] {
            assert_eq!(person(number), person("+4790000000"), "{number}");
        }
        assert_ne!(person("user-7"), person("User-7"));
        let long = "x".repeat(255);
        for (wrong, why) in [
            ("", "empty"),
            (" \t", "empty"),
            ("ada\u{7}", "control"),
            (&*long, "too long"),
            ("ada@", "no address"),
            ("+47", "E.164"),
            ("+47 90x00000", "E.164"),
            ("Ada Lovelace", "blanks"),
        ] {
            let error = Person::parse(wrong).expect_err(wrong).to_string();
            assert!(error.contains(why) && error.contains("write an"), "{error}");
            assert!(wrong.len() < 4 || !error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn args_name_a_person_at_their_paths_only() {
        let args = json!({
            "to": { "email": "Ada@example.com" }, "user_id": 7,
            "cc": [{ "email": "bob@example.com" }, { "email": "ada@example.com" }],
        });
        let ada = person("ada@example.com");
        for (path, is) in [
            ("to.email", true),
            ("cc.email", true),
            ("to", false),
            ("user_id", false),
            ("to.email.x", false),
            ("**", true),
            ("cc.**", true),
            ("user_id.**", false),
        ] {
            assert_eq!(ada.is_at(&args, path), is, "{path}");
        }
        assert!(person("7").is_at(&args, "user_id"));
        assert!(!person("bob@example.com").is_at(&args, "to.email"));
    }

    #[test]
    fn a_person_is_found_in_any_text() {
        let ada = person("ada@example.com");
        for text in [
            "ada@example.com",
            "Write to <ADA@example.com>.",
            "write ada@example.com.",
            r#"{"data":"a\nada@example.com\n"}"#,
            r#"{"old_args":"{\"to\":\"ada\\u0040example.com\"}"}"#,
            "https://x.example/?email=ada%40example.com&x=1",
            "welcome:ada@example.com",
            "'ada@example.com'",
            "\u{1}ada@example.com\u{2}",
        ] {
            assert!(ada.is_in(text.as_bytes()), "{text}");
        }
        assert!(ada.is_in(b"\xff\xfeada@example.com\xff"));
        for text in [
            "",
            "nada@example.com",
            "bob+ada@example.com",
            "ada@example.com.au",
            "ada@example.comx",
            "ada at example.com",
            "@example.com",
        ] {
            assert!(!ada.is_in(text.as_bytes()), "{text}");
        }
        let number = person("+4790000000");
        for (text, is) in [
            ("call +47 900 00 000, or +4791111111", true),
            (r#"{"to":"+4790000000"}"#, true),
            ("+47900000001", false),
            ("4790000000", false),
        ] {
            assert_eq!(number.is_in(text.as_bytes()), is, "{text}");
        }
        // Short ids stand everywhere.
        let seven = person("7");
        assert!(seven.is_in(br#"{"user_id":"7"}"#));
        assert!(!seven.is_in(br#"{"n":7,"text":"7 days"}"#));
    }
}
