//! The tables of a configuration in the order in which they are explained, and what can be said of their keys.

use longshore_integration::settings::{
    BuiltIn, Declaration, KIND, KeyAt, KeyPath, NAME, QUEUE, SettingKey, Shape, Table,
};
use longshore_job::KindSpec;

use crate::config::document;
use crate::config::schema::{OF_PROVIDERS, Schema};

/// A table with its keys.
pub(super) struct Explained {
    pub(super) table: Table,
    /// What stands above all of its section, where this is the first table of that.
    pub(super) section_doc: &'static [&'static str],
    pub(super) keys: Vec<KeyAt>,
}

/// All tables. What is known of every provider stands with the keys of each.
pub(super) fn tables(schema: &Schema<'_>) -> Vec<Explained> {
    let mut tables = Vec::new();
    let mut has_provider = false;
    for section in schema.sections() {
        let first = tables.len();
        for key in section.keys().into_iter().flat_map(on_one_line) {
            let of_key = |of: &&mut Explained| of.table.at == key.table.at;
            match tables[first..].iter_mut().find(of_key) {
                Some(of) if of.keys.iter().any(|there| there.name == key.name) => {}
                Some(of) => of.keys.push(key),
                None => tables.push(Explained {
                    table: key.table.clone(),
                    section_doc: &[],
                    keys: vec![key],
                }),
            }
        }
        if let Some(table) = tables.get_mut(first) {
            if table.table.at != section.at.into() {
                table.section_doc = section.doc;
            }
            has_provider |= of_provider(table, schema, has_provider);
        }
    }
    tables
}

/// A key of a table that is written on one line of the table around it stands there, after that line.
fn on_one_line(key: KeyAt) -> Vec<KeyAt> {
    let Some((name, example)) = key.table.inline else {
        return vec![key];
    };
    let around = key
        .table
        .at
        .words()
        .split_last()
        .map_or(&[][..], |(_, above)| above);
    let table = Table {
        at: KeyPath::new(around),
        doc: &[],
        inline: None,
    };
    let line = KeyAt {
        table: table.clone(),
        name: name.to_owned(),
        key: SettingKey {
            doc: key.table.doc,
            shape: Shape::Toml,
            built_in: BuiltIn::None,
            example: Some(example),
            secret: false,
        },
        because: "",
    };
    let name = format!("{name}.{}", key.name);
    vec![line, KeyAt { table, name, ..key }]
}

/// Adds what is known of every provider to the keys of one, if it is one's table. There are examples at the first of them.
fn of_provider(of: &mut Explained, schema: &Schema<'_>, is_later: bool) -> bool {
    let name = match of.table.at.words() {
        [providers, name] if providers == "providers" => name,
        _ => return false,
    };
    let inventory = schema.inventory(name);
    for mut key in Declaration::keys(&OF_PROVIDERS) {
        key.table = of.table.clone();
        if let BuiltIn::PerProvider(default) = key.key.built_in {
            key.key.built_in = default(inventory).map_or(BuiltIn::None, BuiltIn::Always);
        }
        if is_later {
            key.key.example = None;
        }
        of.keys.push(key);
    }
    true
}

/// A place with any name in it, for one of those there are.
pub(super) fn for_one(at: &KeyPath, schema: &Schema<'_>) -> KeyPath {
    let words = at.words().iter().map(|word| match word.as_str() {
        QUEUE => schema.queues().next().map_or(QUEUE, |queue| queue.name),
        KIND => schema.kinds().next().map_or(KIND, |kind| kind.kind),
        NAME => "example",
        word => word,
    });
    KeyPath::new(&words.collect::<Vec<_>>())
}

/// What is shown as the value of a key.
pub(super) struct Shown {
    /// As it is written in TOML.
    pub(super) value: String,
    /// It is an example: there is no default.
    pub(super) is_example: bool,
}

/// The default of a key, for the first queue where each has its own; or else the example.
pub(super) fn shown(key: &KeyAt, schema: &Schema<'_>) -> Option<Shown> {
    let default = match key.key.built_in {
        BuiltIn::Always(text) => Some(text.to_owned()),
        BuiltIn::PerQueue(of) => schema.queues().next().and_then(of),
        BuiltIn::PerProvider(_) | BuiltIn::None => None,
    };
    let is_example = default.is_none();
    let text = default.or_else(|| key.key.example.map(str::to_owned))?;
    Some(Shown {
        value: written(key.key.shape, &text),
        is_example,
    })
}

/// A value, as it is written in TOML.
fn written(shape: Shape, text: &str) -> String {
    match shape {
        Shape::Toml if document::parse_value(text).is_some() => text.to_owned(),
        // Whole lines.
        Shape::TextOrTable => text.to_owned(),
        Shape::Text | Shape::Toml => format!("{text:?}"),
    }
}

/// The queues that have another default than the first: `By default in export-cleanup 3600.`
pub(super) fn other_queues(key: &KeyAt, schema: &Schema<'_>) -> Option<String> {
    let BuiltIn::PerQueue(of) = key.key.built_in else {
        return None;
    };
    let first = schema.queues().next().and_then(of);
    let others = schema.queues().filter(|queue| of(queue) != first);
    let said: Vec<_> = others
        .map(|queue| match of(queue) {
            Some(text) => format!("in {} {}", queue.name, written(key.key.shape, &text)),
            None => format!("in {} not set", queue.name),
        })
        .collect();
    (!said.is_empty()).then(|| format!("By default {}.", said.join(", ")))
}

/// What the kinds say of themselves, one in a row: its name, and what it says.
pub(super) fn kinds(schema: &Schema<'_>) -> Vec<[String; 2]> {
    let said = |kind: &KindSpec| {
        let policy = &kind.policy;
        let retry = policy
            .schedule()
            .map(|schedule| match schedule.max_attempts() {
                1 => "one attempt".to_owned(),
                n => format!("{n} attempts"),
            });
        let expires = policy.expires.or(kind.shortest_expiry);
        let who = match policy.expires {
            None => "some expire after",
            Some(_) => "expires after",
        };
        [
            policy
                .timeout
                .map(|time| format!("{} s for an attempt", time.as_secs_f64())),
            expires.map(|time| format!("{who} {} s", time.as_secs_f64())),
            retry,
            policy
                .on_unknown
                .map(|rule| format!("on_unknown = \"{rule}\"")),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
    };
    let kinds = schema
        .kinds()
        .map(|kind| [kind.kind.to_owned(), said(kind)]);
    kinds.filter(|[_, said]| !said.is_empty()).collect()
}

/// The first word of the keys of cron entries.
pub(super) const CRON: &str = "cron";

/// The cron entries that are built in, one in a row.
pub(super) fn cron(schema: &Schema<'_>) -> Vec<[String; 4]> {
    let entries = schema.integrations().iter().flat_map(|of| of.cron);
    entries
        .map(|entry| {
            [
                entry.name.to_owned(),
                entry.schedule.to_owned(),
                format!("catch_up = {:?}", entry.catch_up),
                format!("{} {}", entry.kind, entry.args),
            ]
        })
        .collect()
}

/// Rows with their columns under each other.
pub(super) fn rows<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let width = |n: usize| {
        rows.iter()
            .map(|row| row[n].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<_> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths);
        let cells: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        cells.join("   ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// A text as it stands in the source, as paragraphs.
pub(super) fn paragraphs(doc: &[&str]) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    for line in doc.iter().map(|line| line.trim()) {
        let last = paragraphs.len() - 1;
        match (line, paragraphs[last].is_empty()) {
            ("", true) => {}
            ("", false) => paragraphs.push(String::new()),
            (line, true) => paragraphs[last].push_str(line),
            (line, false) => paragraphs[last] += &format!(" {line}"),
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs
}

/// The lines of a paragraph, each at most this long.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
