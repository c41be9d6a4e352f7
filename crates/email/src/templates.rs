//! Templates that are rendered here: for SMTP, where the provider renders none.
//!
//! A template is up to three files of one directory: `welcome.subject.hbs`, `welcome.html.hbs` and `welcome.text.hbs`. It
//! needs a subject, and one of the other two. An empty subject leaves it to the job. They are written in Handlebars, as
//! SendGrid's and Postmark's are. What is put
//! into HTML is escaped.

use std::collections::BTreeSet;
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

use crate::TemplateData;
use handlebars::{Handlebars, RenderError, RenderErrorReason, no_escape};
use longshore_job::JobError;
use longshore_provider::excerpt;

/// The parts of a template.
const SUBJECT: &str = "subject";
const HTML: &str = "html";
const TEXT: &str = "text";

/// Compiled templates.
///
/// They are strict: a variable that a mail's data lacks is a refusal, where the providers would leave a gap. A part between
/// `{{#if name}}` and `{{/if}}` may be left out.
#[derive(Default)]
pub struct Templates {
    plain: Handlebars<'static>,
    html: Handlebars<'static>,
    names: BTreeSet<String>,
}

/// What is wrong with a template's files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateProblem {
    /// It has none of its files: mails by it cannot be sent.
    #[error("there is no {file} in {dir}")]
    Missing {
        /// The first of them.
        file: String,
        /// Where it was looked for.
        dir: String,
    },
    /// One of them is there, and what it needs beside it is not.
    #[error("{there} is there, and {missing} is not")]
    Incomplete {
        /// What is there.
        there: String,
        /// What it needs.
        missing: String,
    },
    /// A file cannot be read.
    #[error("{file} cannot be read: {cause}")]
    Unreadable {
        /// Its name.
        file: String,
        /// Why.
        cause: String,
    },
    /// A file is no template.
    #[error("{file} is not a template: {cause}")]
    Broken {
        /// Its name.
        file: String,
        /// Where, and why.
        cause: String,
    },
}

/// A mail's words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rendered {
    /// One line; empty where the template leaves it to the job.
    pub(crate) subject: String,
    /// With one of the two at least.
    pub(crate) html: Option<String>,
    /// See above.
    pub(crate) text: Option<String>,
}

impl Templates {
    /// The templates with these names, from a directory, and what is wrong with the others.
    #[must_use]
    pub fn load<'a>(
        dir: &Path,
        names: impl IntoIterator<Item = &'a str>,
    ) -> (Self, Vec<(String, TemplateProblem)>) {
        let mut templates = Self::default();
        templates.plain.register_escape_fn(no_escape);
        templates.plain.set_strict_mode(true);
        templates.html.set_strict_mode(true);
        let mut problems = Vec::new();
        for name in names {
            match templates.add(dir, name) {
                Ok(()) => drop(templates.names.insert(name.to_owned())),
                Err(problem) => problems.push((name.to_owned(), problem)),
            }
        }
        (templates, problems)
    }

    fn add(&mut self, dir: &Path, name: &str) -> Result<(), TemplateProblem> {
        let mut there = Vec::new();
        for part in [SUBJECT, HTML, TEXT] {
            let file = file(name, part);
            let source = match std::fs::read_to_string(dir.join(&file)) {
                Ok(source) => source,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => {
                    let cause = error.to_string();
                    return Err(TemplateProblem::Unreadable { file, cause });
                }
            };
            let registry = match part {
                HTML => &mut self.html,
                _ => &mut self.plain,
            };
            let registered = registry.register_template_string(&file, source);
            registered.map_err(|error| TemplateProblem::Broken {
                file,
                cause: match error.pos() {
                    Some((line, column)) => {
                        format!("line {line}, column {column}: {}", error.reason())
                    }
                    None => error.reason().to_string(),
                },
            })?;
            there.push(part);
        }
        match there[..] {
            [] => Err(TemplateProblem::Missing {
                file: file(name, SUBJECT),
                dir: dir.display().to_string(),
            }),
            [SUBJECT] => Err(TemplateProblem::Incomplete {
                there: file(name, SUBJECT),
                missing: format!("{} or {}", file(name, HTML), file(name, TEXT)),
            }),
            [SUBJECT, ..] => Ok(()),
            [part, ..] => Err(TemplateProblem::Incomplete {
                there: file(name, part),
                missing: file(name, SUBJECT),
            }),
        }
    }

    /// Whether there is such a template.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The words of a mail.
    ///
    /// # Errors
    /// A refusal, when the data lacks a variable or does not fit the template otherwise.
    pub(crate) fn render(&self, name: &str, data: &TemplateData) -> Result<Rendered, JobError> {
        let data: serde_json::Value = serde_json::from_str(data.get())
            .map_err(|error| JobError::permanent(format!("the data is not JSON: {error}")))?;
        let part = |registry: &Handlebars<'_>, part| {
            let file = file(name, part);
            match registry.has_template(&file) {
                true => registry.render(&file, &data).map(Some),
                false => Ok(None),
            }
        };
        let rendered = || {
            Ok(Rendered {
                subject: one_line(&part(&self.plain, SUBJECT)?.unwrap_or_default()),
                html: part(&self.html, HTML)?,
                text: part(&self.plain, TEXT)?,
            })
        };
        rendered().map_err(|error| refused(name, &error))
    }
}

/// Their names only.
impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Templates").field(&self.names).finish()
    }
}

fn file(name: &str, part: &str) -> String {
    format!("{name}.{part}.hbs")
}

/// A header has one line.
fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

fn refused(name: &str, error: &RenderError) -> JobError {
    // A variable's name comes from the template; other errors may quote the data.
    let (code, why) = match error.reason() {
        RenderErrorReason::MissingVariable(Some(variable)) => (
            format!("template variable {variable}"),
            format!("the data has no `{variable}`"),
        ),
        other => ("template".to_owned(), excerpt(&other.to_string())),
    };
    let at = match (&error.template_name, error.line_no) {
        (Some(file), Some(line)) => format!(" ({file}, line {line})"),
        _ => String::new(),
    };
    JobError::refusal(
        code,
        format!("the template `{name}` cannot be filled in: {why}{at}"),
    )
}

#[cfg(test)]
mod tests;
