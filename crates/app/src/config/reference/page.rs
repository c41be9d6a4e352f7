//! The reference page.

use longshore_integration::settings::{BuiltIn, KIND, KeyAt};

use super::tables::{self, Explained, paragraphs, rows, wrapped};
use crate::config::schema::Schema;

/// How wide the page is.
const WIDTH: usize = 118;

const HEAD: &str = "# Configuration

Every key there is, made from what the program declares: `longshore config defaults --page` writes this page, and
`longshore config defaults` the same as a file, `config/default.toml`.

Later layers win, key by key: built-in defaults, `default.toml`, `<profile>.toml` (`--profile`), the environment. A key that
is not known is an error, with the one that was likely meant; `longshore config check` says everything that is wrong at
once, and `longshore config show` every value and where it came from.

A key is followed by its default, and by the variable that sets it. Texts are taken from a variable as they stand, everything
else is TOML. A *secret* is never shown, and may be given where it is kept: `env:NAME`, `file:PATH` or `vault:PATH`.
";

pub(super) fn write(schema: &Schema<'_>) -> String {
    let mut text = HEAD.to_owned();
    for of in tables::tables(schema) {
        table(&mut text, &of, schema);
    }
    text
}

fn table(text: &mut String, of: &Explained, schema: &Schema<'_>) {
    let at = of.table.at.to_string();
    match at.as_str() {
        "" => text.push_str("\n## At the top\n\n"),
        at => text.push_str(&format!("\n## `{at}`\n\n")),
    }
    for doc in paragraphs(of.section_doc)
        .iter()
        .chain(&paragraphs(of.table.doc))
    {
        text.push_str(&format!("{}\n\n", wrapped(doc, WIDTH).join("\n")));
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
    for key in &of.keys {
        self::key(text, key, schema);
    }
}

fn key(text: &mut String, key: &KeyAt, schema: &Schema<'_>) {
    // What the inventory does not say of a provider.
    let shown = tables::shown(key, schema);
    let value = match shown {
        // Several, each on a line of its own.
        Some(shown) if shown.is_example && shown.value.contains('\n') => {
            let examples = shown.value.lines().map(|line| format!("`{line}`"));
            format!(", such as {}", examples.collect::<Vec<_>>().join(" or "))
        }
        Some(shown) if shown.is_example => format!(", such as `{}`", shown.value),
        Some(shown) => format!(" = `{}`", shown.value),
        None => String::new(),
    };
    let secret = if key.key.secret { ", a *secret*" } else { "" };
    let variable = key.path().variable();
    let per_queue = match key.key.built_in {
        BuiltIn::PerQueue(_) => tables::other_queues(key, schema),
        _ => None,
    };
    let mut doc = paragraphs(key.key.doc).join(" ");
    for more in [Some(key.because.to_owned()), per_queue]
        .into_iter()
        .flatten()
    {
        doc += " ";
        doc += &more;
    }
    let item = format!(
        "- `{}`{value}{secret} (`{variable}`). {}",
        key.name,
        doc.trim()
    );
    let lines = wrapped(item.trim_end(), WIDTH - 2);
    text.push_str(&format!("{}\n", lines.join("\n  ")));
}

fn listed(text: &mut String, what: &str, rows: &[String]) {
    if !rows.is_empty() {
        text.push_str(&format!("{what}\n\n"));
        text.extend(rows.iter().map(|row| format!("    {row}\n")));
        text.push('\n');
    }
}
