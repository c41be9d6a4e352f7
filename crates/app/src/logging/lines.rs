//! How a line is written: as text for people, or as one JSON object for those who collect logs.
//!
//! An object is flat: `timestamp`, `level`, `message` and `target`, then the fields of the line itself and of the spans that
//! it stands in. A field of the line, or of an inner span, wins over one of the same name further out.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use longshore_operator::ThisProgram;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::span::Record;
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::{DefaultFields, Format, Full, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, Scope};

/// Whether lines are JSON. It may change while the process runs: its configuration is read after its first line may have to be
/// written.
#[derive(Debug, Clone, Default)]
pub(super) struct AsJson(Arc<AtomicBool>);

impl AsJson {
    pub(super) fn set(&self, json: bool) {
        self.0.store(json, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Writes fields: of a line as text, and of the spans that lines stand in.
#[derive(Debug)]
pub(super) struct Fields {
    json: AsJson,
    text: DefaultFields,
}

impl Fields {
    pub(super) fn new(json: &AsJson) -> Self {
        Self {
            json: json.clone(),
            text: DefaultFields::new(),
        }
    }
}

impl<'w> FormatFields<'w> for Fields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        if !self.json.get() {
            return self.text.format_fields(writer, fields);
        }
        let mut values = Values::default();
        fields.record(&mut values);
        writer.write_str(&values.text()?)
    }

    fn add_fields(
        &self,
        current: &'w mut FormattedFields<Self>,
        fields: &Record<'_>,
    ) -> fmt::Result {
        if !self.json.get() {
            if !current.fields.is_empty() {
                current.fields.push(' ');
            }
            return self.text.format_fields(current.as_writer(), fields);
        }
        let mut values = Values::read(&current.fields);
        fields.record(&mut values);
        current.fields = values.text()?;
        Ok(())
    }
}

/// Writes lines.
#[derive(Debug)]
pub(super) struct Lines {
    json: AsJson,
    text: Format<Full>,
}

impl Lines {
    pub(super) fn new(json: &AsJson, colours: bool) -> Self {
        Self {
            json: json.clone(),
            text: Format::default().with_target(false).with_ansi(colours),
        }
    }
}

impl<S> FormatEvent<S, Fields> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, Fields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if self.json.get() {
            return json(context, writer, event);
        }
        let mut line = String::new();
        self.text
            .format_event(context, Writer::new(&mut line), event)?;
        // What is quoted in it may have lines of its own, and would pass for ours.
        let line = line.trim_end_matches('\n');
        for c in ThisProgram::get().commands(line).chars() {
            match c {
                '\n' => writer.write_str("\\n")?,
                '\r' => writer.write_str("\\r")?,
                c => writer.write_char(c)?,
            }
        }
        writer.write_char('\n')
    }
}

fn json<S>(
    context: &FmtContext<'_, S, Fields>,
    mut writer: Writer<'_>,
    event: &Event<'_>,
) -> fmt::Result
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let mut values = Values::default();
    let spans = context.event_scope();
    for span in spans.into_iter().flat_map(Scope::from_root) {
        let extensions = span.extensions();
        if let Some(fields) = extensions.get::<FormattedFields<Fields>>() {
            values.0.extend(Values::read(&fields.fields).0);
        }
    }
    event.record(&mut values);
    let message = match values.0.remove("message") {
        Some(Value::String(text)) => Some(ThisProgram::get().commands(&text).into_owned().into()),
        other => other,
    };
    // To the millisecond, with all three digits.
    let timestamp = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ");
    let level = event.metadata().level();
    let target = event.metadata().target();
    write!(
        writer,
        "{{\"timestamp\":\"{timestamp}\",\"level\":\"{level}\",\"message\":{},\"target\":{}",
        message.unwrap_or_else(|| Value::from("")),
        Value::from(target)
    )?;
    for (name, value) in &values.0 {
        if !["timestamp", "level", "target"].contains(&name.as_str()) {
            write!(writer, ",{}:{value}", Value::from(name.as_str()))?;
        }
    }
    writer.write_str("}\n")
}

/// Fields by their names.
#[derive(Default)]
struct Values(BTreeMap<String, Value>);

impl Values {
    /// Those of a span, as they were written down.
    fn read(text: &str) -> Self {
        // A span that began while lines were text has other ones: it goes without.
        Self(serde_json::from_str(text).unwrap_or_default())
    }

    fn text(&self) -> Result<String, fmt::Error> {
        serde_json::to_string(&self.0).map_err(|_| fmt::Error)
    }

    fn note(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Values {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.note(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.note(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.note(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.note(field, value),
            Err(_) => self.note(field, value.to_string()),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.note(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.note(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.note(field, format!("{value:?}"));
    }
}
