//! The fields of a request's JSON object, read one by one, so that all that is wrong is found at once.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::Finding;
use crate::form::{is_name, word_of};
use crate::strict;

/// An object, and what is wrong with it so far.
pub(crate) struct Fields<'a> {
    fields: BTreeMap<String, &'a RawValue>,
    pub(crate) findings: Vec<Finding>,
}

impl<'a> Fields<'a> {
    /// Reads an object with these fields and no others.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn read(text: &'a str, known: &[&str]) -> Result<Self, Finding> {
        strict::check(text)?;
        let Ok(fields) = serde_json::from_str::<BTreeMap<String, &'a RawValue>>(text) else {
            return Err(Finding::new("", "must be a JSON object"));
        };
        let mut findings = Vec::new();
        for name in fields.keys().filter(|name| !known.contains(&name.as_str())) {
            // In the place of a name may stand anything.
            let path = if is_name(name) { name } else { "" };
            let problem = format!("is not known here: the names are {}", known.join(", "));
            findings.push(Finding::new(path, problem));
        }
        Ok(Self { fields, findings })
    }

    /// What stands there as it stands. `null` is nothing.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        let raw = self.fields.get(name).copied();
        raw.filter(|raw| raw.get() != "null")
    }

    /// Notes that a field is wrong.
    pub(crate) fn wrong(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        self.findings.push(Finding::new(path, problem));
    }

    /// A value of this type.
    pub(crate) fn value<T: DeserializeOwned>(&mut self, name: &str, what: &str) -> Option<T> {
        let raw = self.raw(name)?;
        if let Ok(value) = serde_json::from_str(raw.get()) {
            return Some(value);
        }
        let value: Value = serde_json::from_str(raw.get()).unwrap_or_default();
        self.wrong(
            name,
            match word_of(&value) {
                // It is what is in it, or its size.
                "a list" | "a number" => format!("must be {what}"),
                is => format!("must be {what}, and is {is}"),
            },
        );
        None
    }

    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        self.value(name, "a text")
    }

    /// A text that has to be there.
    pub(crate) fn needed(&mut self, name: &str) -> Option<String> {
        if self.raw(name).is_none() {
            self.wrong(name, "is missing");
        }
        self.text(name)
    }

    /// `90s`.
    pub(crate) fn duration(&mut self, name: &str) -> Option<Duration> {
        let text = self.text(name)?;
        let read = duration(&text);
        if let Err(cure) = &read {
            self.wrong(name, *cure);
        }
        read.ok()
    }

    /// A time in milliseconds since the epoch.
    pub(crate) fn time(&mut self, name: &str) -> Option<u64> {
        let text = self.text(name)?;
        let read = text.parse::<Timestamp>().ok();
        let read = read.and_then(|time| u64::try_from(time.as_millisecond()).ok());
        if read.is_none() {
            let cure = "write a time in RFC 3339, such as 2026-11-23T15:00:00Z, not before 1970";
            self.wrong(name, cure);
        }
        read
    }

    pub(crate) fn done(self) -> Result<(), Vec<Finding>> {
        match self.findings.is_empty() {
            true => Ok(()),
            false => Err(self.findings),
        }
    }
}

/// `90s`, `15m`, `2h`, `1d`, as on the command line.
pub(crate) fn duration(text: &str) -> Result<Duration, &'static str> {
    let read = humantime::parse_duration(text).ok();
    // It takes a bare 0, too.
    read.filter(|_| text != "0")
        .ok_or("write it like 90s, 15m, 2h or 1d")
}
