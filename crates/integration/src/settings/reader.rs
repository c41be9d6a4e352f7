//! Reads values one by one. What cannot be read leaves a finding and is `None`, so that reading goes on.
//!
//! A key that is read and not declared leaves a finding, too. No layer can set it, and it has no default: without the
//! finding its reader would take it for one that is not set, and leave out what it is for.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use bytesize::ByteSize;
use figment::value::{Num, Value};
use figment::{Figment, Profile};

use super::BUILT_IN;
use super::finding::{Finding, Findings, Severity};
use super::key::{Declared, KeyPath};

/// A time that cannot be zero, in seconds: from a millisecond, the finest that the queue's clock tells apart, to
/// 30 days. A longer one is most likely a number of milliseconds.
pub const SOME_TIME: RangeInclusive<f64> = 0.001..=LONGEST;
/// A time in seconds that may be zero.
pub const ANY_TIME: RangeInclusive<f64> = 0.0..=LONGEST;
const LONGEST: f64 = 30.0 * 24.0 * 3600.0;

/// The merged layers and what has been found so far.
#[derive(Debug)]
pub struct Reader<'a> {
    layers: &'a Figment,
    values: Value,
    profile: Option<&'a str>,
    directory: &'a Path,
    complete: bool,
    declared: &'a dyn Declared,
    undeclared: RefCell<BTreeSet<KeyPath>>,
    findings: Findings,
}

impl<'a> Reader<'a> {
    /// A reader of these layers. `declared` are the keys that may be read; `directory` is where the files are; `complete` is false when a layer is missing because it could not be read.
    pub fn new(
        layers: &'a Figment,
        declared: &'a dyn Declared,
        profile: Option<&'a str>,
        directory: &'a Path,
        complete: bool,
        findings: Findings,
    ) -> Self {
        // An empty path is the whole; it cannot fail, as no provider of ours does.
        let values = layers
            .find_value("")
            .unwrap_or_else(|_| Value::from(figment::value::Dict::new()));
        Self {
            layers,
            values,
            profile,
            directory,
            complete,
            declared,
            undeclared: RefCell::default(),
            findings,
        }
    }

    /// The warnings, or all findings when there is an error among them.
    ///
    /// # Errors
    /// When there is an error among them.
    pub fn finish(mut self) -> Result<Findings, Findings> {
        for path in self.undeclared.take() {
            let cure = "add it to the keys of its section";
            self.findings
                .error(path, None, "is read and not declared", cure);
        }
        if self.findings.has_errors() {
            Err(self.findings)
        } else {
            Ok(self.findings)
        }
    }

    /// The profile that was named, if one was.
    #[must_use]
    pub fn profile(&self) -> Option<&'a str> {
        self.profile
    }

    /// The directory of the configuration. It need not exist.
    #[must_use]
    pub fn directory(&self) -> &'a Path {
        self.directory
    }

    /// Whether this is the profile with this name.
    pub fn is_profile(&self, name: &str) -> bool {
        self.profile == Some(name)
    }

    /// The value at this path, of whatever type.
    pub fn get(&self, path: &KeyPath) -> Option<&Value> {
        if !self.declared.has(path) {
            self.undeclared.borrow_mut().insert(path.clone());
        }
        self.raw(path)
    }

    /// What any layer has at this path, whether it is declared or not.
    pub fn raw(&self, path: &KeyPath) -> Option<&Value> {
        path.words()
            .iter()
            .try_fold(&self.values, |value, word| value.as_dict()?.get(word))
    }

    /// The value at this path as JSON, of whatever type.
    pub fn value(&self, path: impl Into<KeyPath>) -> Option<serde_json::Value> {
        serde_json::to_value(self.get(&path.into())?).ok()
    }

    /// The text at this path, if it is one. What else it is, is found where it is read.
    pub fn peek(&self, path: impl Into<KeyPath>) -> Option<String> {
        self.get(&path.into())?.as_str().map(str::to_owned)
    }

    /// Whether any layer sets this key.
    pub fn has(&self, path: impl Into<KeyPath>) -> bool {
        self.get(&path.into()).is_some()
    }

    /// Whether a file or a variable sets this key, and not only its built-in default.
    pub fn is_configured(&self, path: &KeyPath) -> bool {
        self.has(path) && self.origin(path).is_some_and(|origin| origin != BUILT_IN)
    }

    /// Whether any layer sets this key to something: an empty text is how one layer takes back the value of another.
    pub fn is_set(&self, path: impl Into<KeyPath>) -> bool {
        self.get(&path.into())
            .is_some_and(|value| value.as_str() != Some(""))
    }

    /// The names in the table at this path, sorted.
    pub fn names(&self, path: impl Into<KeyPath>) -> Vec<String> {
        self.get(&path.into())
            .and_then(Value::as_dict)
            .map(|table| table.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// A text.
    pub fn text(&mut self, path: impl Into<KeyPath>) -> Option<String> {
        let cure = "put it between quotes";
        self.typed(&path.into(), "a text", cure, |value| {
            value.as_str().map(str::to_owned)
        })
    }

    /// True or false.
    pub fn flag(&mut self, path: impl Into<KeyPath>) -> Option<bool> {
        let cure = "write true or false, without quotes";
        self.typed(&path.into(), "true or false", cure, Value::to_bool)
    }

    /// A whole number.
    pub fn whole(&mut self, path: impl Into<KeyPath>, range: RangeInclusive<u32>) -> Option<u32> {
        let path = path.into();
        let cure = "write a number such as 20, without quotes";
        let number = self.typed(&path, "a whole number", cure, |value| {
            number(value).filter(|n| n.fract() == 0.0)
        })?;
        let fits = (f64::from(*range.start())..=f64::from(*range.end())).contains(&number);
        if !fits {
            let cure = format!("set {} to {}", range.start(), range.end());
            self.error(&path, format!("is {number}"), cure);
            return None;
        }
        // Exact: whole, and within a range of u32.
        Some(number as u32)
    }

    /// A number of seconds, fractions allowed.
    pub fn seconds(
        &mut self,
        path: impl Into<KeyPath>,
        range: RangeInclusive<f64>,
    ) -> Option<Duration> {
        let path = path.into();
        let cure = "write a number such as 5 or 0.5, without quotes or unit";
        let seconds = self.typed(&path, "a number of seconds", cure, number)?;
        self.duration(&path, &path.to_string(), seconds, &range)
    }

    /// A share in percent, 0 to 100, fractions allowed.
    pub fn percent(&mut self, path: &KeyPath) -> Option<f64> {
        let cure = "write a number such as 99.95, without quotes";
        let percent = self.typed(path, "a number", cure, number)?;
        if !(0.0..=100.0).contains(&percent) {
            self.error(path, format!("is {percent}"), "set 0 to 100");
            return None;
        }
        Some(percent)
    }

    /// A share, 0 to 1.
    pub fn ratio(&mut self, path: &KeyPath) -> Option<f64> {
        let cure = "write a number such as 0.1, without quotes";
        let ratio = self.typed(path, "a number", cure, number)?;
        if !(0.0..=1.0).contains(&ratio) {
            self.error(path, format!("is {ratio}"), "set 0 to 1");
            return None;
        }
        Some(ratio)
    }

    /// A list of numbers of seconds, fractions allowed.
    pub fn seconds_list(
        &mut self,
        path: impl Into<KeyPath>,
        range: &RangeInclusive<f64>,
    ) -> Option<Vec<Duration>> {
        let path = path.into();
        let cure = "write a list such as [60, 300, 900]";
        let list = self.typed(&path, "a list of seconds", cure, |value| {
            value
                .as_array()?
                .iter()
                .map(number)
                .collect::<Option<Vec<_>>>()
        })?;
        let times: Vec<_> = list
            .into_iter()
            .enumerate()
            .map(|(n, seconds)| self.duration(&path, &format!("{path}[{n}]"), seconds, range))
            .collect();
        times.into_iter().collect()
    }

    fn duration(
        &mut self,
        path: &KeyPath,
        shown: &str,
        seconds: f64,
        range: &RangeInclusive<f64>,
    ) -> Option<Duration> {
        if range.contains(&seconds)
            && let Ok(duration) = Duration::try_from_secs_f64(seconds)
        {
            return Some(duration);
        }
        let cure = format!("set {} to {} seconds", range.start(), range.end());
        let origin = self.origin(path);
        self.findings
            .error(shown, origin, format!("is {seconds} s"), cure);
        None
    }

    /// A number of bytes, or a text with a unit such as `64MiB`. At least one: there is no "without limit".
    pub fn bytes(&mut self, path: impl Into<KeyPath>) -> Option<u64> {
        let path = path.into();
        let cure = "write a number of bytes, or a text such as \"64MiB\"";
        let size = self.typed(&path, "a size", cure, |value| match value {
            Value::String(_, text) => text.parse::<ByteSize>().ok().map(|size| size.as_u64()),
            value => value
                .to_num()?
                .to_i128()
                .and_then(|n| u64::try_from(n).ok()),
        })?;
        if size == 0 {
            self.error(&path, "is 0", "set at least 1 byte");
            return None;
        }
        Some(size)
    }

    /// A list of texts.
    pub fn text_list(&mut self, path: impl Into<KeyPath>) -> Option<Vec<String>> {
        let cure = "write a list such as [\"env:ONE\", \"env:OTHER\"]";
        self.typed(&path.into(), "a list of texts", cure, |value| {
            let texts = value.as_array()?.iter();
            texts.map(|text| text.as_str().map(str::to_owned)).collect()
        })
    }

    /// An address to listen on.
    pub fn listen_addr(&mut self, path: impl Into<KeyPath>) -> Option<SocketAddr> {
        let path = path.into();
        let text = self.text(&path)?;
        let addr = text.parse::<SocketAddr>().ok();
        if addr.is_none() {
            let problem = format!("`{text}` is not an address to listen on");
            let cure = "write an IP address and a port, such as 127.0.0.1:9464 or [::]:9464; port 0 picks a free one";
            self.error(&path, problem, cure);
        }
        addr
    }

    fn typed<T>(
        &mut self,
        path: &KeyPath,
        wanted: &str,
        cure: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(path)?;
        match read(value) {
            Some(read) => Some(read),
            None => {
                let problem = format!("is {}, not {wanted}", type_of(value));
                self.error(path, problem, cure);
                None
            }
        }
    }

    /// Notes that the value at this path is wrong.
    pub fn error(
        &mut self,
        path: impl Into<KeyPath>,
        problem: impl Into<String>,
        cure: impl Into<String>,
    ) {
        let path = path.into();
        let origin = self.origin(&path);
        self.findings.error(path, origin, problem, cure);
    }

    /// Notes that there should be a value at this path. Says nothing when a layer that may hold it is missing.
    pub fn missing(
        &mut self,
        path: impl Into<KeyPath>,
        problem: impl Into<String>,
        cure: impl Into<String>,
    ) {
        if self.complete {
            self.findings.error(path.into(), None, problem, cure);
        }
    }

    /// Notes that the value at this path, or its absence, is likely not meant.
    pub fn warn(
        &mut self,
        path: impl Into<KeyPath>,
        problem: impl Into<String>,
        cure: impl Into<String>,
    ) {
        let path = path.into();
        self.findings.push(Finding {
            severity: Severity::Warning,
            origin: self.origin(&path),
            key: path.to_string(),
            problem: problem.into(),
            cure: cure.into(),
        });
    }

    /// Where the value at this path came from.
    pub fn origin(&self, path: &KeyPath) -> Option<String> {
        let layer = self.layers.get_metadata(self.raw(path)?.tag())?;
        Some(layer.interpolate(&Profile::Default, path.words()))
    }
}

/// What a value is, in a sentence. Never the value: the key may be secret.
pub fn type_of(value: &Value) -> &'static str {
    match value {
        Value::String(..) | Value::Char(..) => "a text",
        Value::Bool(..) => "true or false",
        Value::Num(_, Num::F32(_) | Num::F64(_)) => "a number with a fraction",
        Value::Num(..) => "a number",
        Value::Empty(..) => "empty",
        Value::Dict(..) => "a table",
        Value::Array(..) => "a list",
    }
}

fn number(value: &Value) -> Option<f64> {
    let number = value.to_num()?;
    // Whole numbers are exact up to 2^53, far beyond every range.
    number
        .to_f64()
        .or(number.to_i128().map(|whole| whole as f64))
}
