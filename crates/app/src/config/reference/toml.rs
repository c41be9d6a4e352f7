//! `default.toml`.

use std::collections::BTreeSet;

use longshore_integration::settings::{KIND, KeyAt, KeyPath, NAME};

use super::tables::{self, Explained, paragraphs, rows, wrapped};
use crate::config::WorkerSettings;
use crate::config::schema::Schema;

/// How wide the file is.
const WIDTH: usize = 118;

const HEAD: &str = r##"# The configuration: every key there is, with its default. `longshore config defaults` writes this file.
#
# Later layers win, key by key:
#   built-in defaults < this file < <profile>.toml (--profile) < environment < secrets
#
# In the environment, KEY is VARIABLE, and a `-` in a name is `_` there. Texts
# are taken as they stand; everything else is written as here, `[60, 300]`.
# A secret may be given where it is kept instead of here: "env:NAME", "file:PATH" or "vault:PATH" (see
# [providers.vault]). Files and Vault are read again now and then: a new secret is used without a restart.
# Seconds may have fractions. `longshore config check` says everything that is wrong at once.
#
# A line that begins with `#` and no blank is a setting; uncommented as it stands it changes nothing. Where it ends with
# `# example`, there is no default.
"##;

/// What has been explained already, where it stands at several places.
type Said = BTreeSet<&'static [&'static str]>;

pub(super) fn write(schema: &Schema<'_>) -> String {
    let key = WorkerSettings::DRAIN;
    let variable = KeyPath::from(key).variable();
    let mut text = HEAD
        .replacen("KEY", key, 1)
        .replacen("VARIABLE", &variable, 1);
    let mut said = BTreeSet::new();
    for of in tables::tables(schema) {
        text.push('\n');
        table(&mut text, &of, schema, &mut said);
    }
    text
}

fn table(text: &mut String, of: &Explained, schema: &Schema<'_>, said: &mut Said) {
    let at = tables::for_one(&of.table.at, schema);
    comment(text, &paragraphs(of.section_doc));
    if said.insert(of.table.doc) {
        comment(text, &paragraphs(of.table.doc));
    }
    let has = |name: &str| of.table.at.words().iter().any(|word| word == name);
    if has(KIND) {
        let kinds = rows(&tables::kinds(schema));
        listed(text, "What kinds say of themselves:", &kinds);
    }
    if has(tables::CRON) {
        let entries = rows(&tables::cron(schema));
        listed(text, "What is built in, in UTC:", &entries);
    }
    if !at.words().is_empty() {
        // As a table it would be an entry, of that name.
        let off = if has(NAME) { "#" } else { "" };
        text.push_str(&format!("{off}[{at}]\n"));
    }
    let shown = of.keys.iter().filter(|key| !key.name.contains('.'));
    let mut above = None;
    for key in shown {
        above = self::key(text, key, above, schema, said).or(above);
    }
}

/// Whether a key is explained where it is shown.
type IsExplained = bool;

/// A key. `above` is the one before it.
fn key(
    text: &mut String,
    key: &KeyAt,
    above: Option<IsExplained>,
    schema: &Schema<'_>,
    said: &mut Said,
) -> Option<IsExplained> {
    let shown = tables::shown(key, schema)?;
    let mut doc = match said.insert(key.key.doc) {
        true => paragraphs(key.key.doc),
        false => Vec::new(),
    };
    let more = [
        Some(key.because.to_owned()),
        tables::other_queues(key, schema),
    ];
    for more in more.into_iter().flatten().filter(|more| !more.is_empty()) {
        match doc.last_mut() {
            Some(last) => *last += &format!(" {more}"),
            None => doc.push(more),
        }
    }
    // Those that are known already stand together, and so does what one sentence explains.
    let goes_on = match doc.first() {
        Some(doc) => doc.starts_with('…'),
        None => above == Some(false),
    };
    if above.is_some() && !goes_on {
        text.push('\n');
    }
    comment(text, &doc);
    let example = if shown.is_example { "  # example" } else { "" };
    for line in shown.value.lines() {
        text.push_str(&match key.name.as_str() {
            NAME => format!("#{line}{example}\n"),
            name => format!("#{name} = {line}{example}\n"),
        });
    }
    Some(!doc.is_empty())
}

fn comment(text: &mut String, paragraphs: &[String]) {
    for (n, paragraph) in paragraphs.iter().enumerate() {
        if n > 0 {
            text.push_str("#\n");
        }
        for line in wrapped(paragraph, WIDTH) {
            text.push_str(&format!("# {line}\n"));
        }
    }
}

fn listed(text: &mut String, what: &str, rows: &[String]) {
    if !rows.is_empty() {
        text.push_str(&format!("#\n# {what}\n"));
        text.extend(rows.iter().map(|row| format!("#   {row}\n")));
    }
}
