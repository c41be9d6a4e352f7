//! The query of a URL.

use crate::error::{ApiError, Finding};

/// Its parameters, and what is wrong with them so far.
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    findings: Vec<Finding>,
}

impl Query {
    /// Reads one with these parameters and no others.
    pub(crate) fn read(query: Option<&str>, known: &[&str]) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let pairs: Vec<(String, String)> = pairs.into_owned().collect();
        let mut findings = Vec::new();
        for (n, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let known = match known {
                    [] => "there are none".to_owned(),
                    known => format!("there are {}", known.join(", ")),
                };
                findings.push(Finding::new(
                    "query",
                    format!("a parameter is not known: {known}"),
                ));
            } else if pairs[..n].iter().any(|(earlier, _)| earlier == name) {
                findings.push(Finding::new(name.as_str(), "stands there twice"));
            }
        }
        Self { pairs, findings }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// One that has to be there.
    pub(crate) fn needed(&mut self, name: &str) -> Option<String> {
        let found = self.get(name).map(str::to_owned);
        if found.is_none() {
            self.wrong(name, "is missing");
        }
        found
    }

    pub(crate) fn wrong(&mut self, name: &str, problem: &str) {
        self.findings.push(Finding::new(name, problem));
    }

    /// What was read, if nothing is wrong.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub(crate) fn done<T>(self, read: T) -> Result<T, ApiError> {
        match self.findings.is_empty() {
            true => Ok(read),
            false => Err(ApiError::wrong("invalid_option", self.findings)),
        }
    }
}

/// Refuses any parameter.
///
/// # Errors
/// When there is one.
pub(crate) fn none(query: Option<&str>) -> Result<(), ApiError> {
    Query::read(query, &[]).done(())
}
