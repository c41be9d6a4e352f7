//! `cron.<name>.*`: which jobs are made by the clock.

use figment::value::{Dict, Value};
use jiff::Timestamp;
use longshore_cron::{CatchUp, EntryError, Schedule, ScheduledEntry, Template, Zone};
use longshore_integration::Integration;
use longshore_integration::section;
use longshore_integration::settings::{
    KeyAt, KeyPath, Reader, Section, flag, text, text_by, toml_by,
};
use longshore_job::{KindSpec, Kinds};
use longshore_operator::redact_args;
use serde_json::json;

use super::layer;

section! {
    /// Jobs that are made by the clock. Every `longshore work` ticks every entry whose provider is on, and each tick makes one
    /// job in the whole fleet. Entries that are built in can be changed key by key, and switched off. A new or edited schedule
    /// begins now.
    pub(super) struct CronKeys in "cron.<name>" {
        /// Five fields: minute, hour, day of the month, month, day of the week (0 and 7 are Sunday; of the two days one is
        /// enough when both are given). Six: seconds first.
        _schedule: Option<String> = "schedule" as SCHEDULE, text().optional().example("30 7 * * 1-5");
        /// A name of the IANA time zone database, which comes with the program. Where clocks are changed, an entry at a fixed
        /// time runs once that day: right after the gap if its time is skipped, the first time if it comes twice. One with a *
        /// in minutes or hours follows real time.
        zone: Zone = "timezone" as ZONE, text_by(zone).or("UTC");
        /// What `longshore enqueue KIND ARGS` takes as the kind …
        _kind: Option<String> = "kind" as KIND, text().optional().example("send_email");
        /// … and as its args: a table, or a JSON text. In a text `{tick}` is the time of the tick, `{day}` the beginning of its
        /// day, `{tick-90m}` or `{day-1d}` so much before (s, m, h, d, w).
        args: Option<Template> = "args" as ARGS, toml_by(args)
            .optional()
            .example(r#"'{"template":"welcome","to":{"email":"staff@example.com"},"data":{"day":"{day}"}}'"#);
        /// What becomes of ticks that nobody was there for: "none" passes over them, but for those that are at most a minute
        /// late; "once" makes up for all of them with one job, "all" makes each job, for the newest hundred.
        catch_up: CatchUp = "catch_up" as CATCH_UP, text_by(catch_up).or("none");
        /// Whether it ticks.
        enabled: bool = "enabled", flag().or("true");
    }
}

/// The table of all entries.
const SECTION: &str = "cron";

/// Whether these are the args of an entry.
pub(super) fn is_args(key: &KeyAt) -> bool {
    key.table.at == CronKeys::AT.into() && key.name == CronKeys::ARGS
}

/// How alike (Jaro–Winkler, 0 to 1) a kind must be to be offered in place of an unknown one.
const ALIKE: f64 = 0.8;

/// An entry, as configured.
#[derive(Debug, Clone)]
pub struct CronSettings {
    /// When, and what.
    pub entry: ScheduledEntry,
    /// It has not been switched off.
    pub enabled: bool,
}

impl CronSettings {
    /// The key of its schedule, which whoever writes an entry sets.
    pub(crate) fn schedule_key(&self) -> String {
        KeyPath::new(&[SECTION, self.entry.name(), CronKeys::SCHEDULE]).to_string()
    }
}

/// Puts the entries that are built in below all layers.
pub(super) fn built_in(values: &mut Dict, integrations: &[Integration]) {
    for entry in integrations.iter().flat_map(|of| of.cron) {
        for (key, text) in [
            (CronKeys::SCHEDULE, entry.schedule),
            (CronKeys::KIND, entry.kind),
            (CronKeys::ARGS, entry.args),
            (CronKeys::CATCH_UP, entry.catch_up),
        ] {
            let path = KeyPath::new(&[SECTION, entry.name, key]);
            layer::insert(values, path.words(), Value::from(text));
        }
    }
}

/// Those that can be read; what is wrong with the others is found.
pub(super) fn read(reader: &mut Reader<'_>, kinds: &Kinds) -> Vec<CronSettings> {
    let section = KeyPath::from(SECTION);
    let names = reader.names(&section);
    names
        .into_iter()
        .filter_map(|name| {
            let path = section.join(&name);
            // Anything but a table is answered as such.
            reader.get(&path)?.as_dict()?;
            entry(reader, kinds, &path, &name)
        })
        .collect()
}

fn entry(
    reader: &mut Reader<'_>,
    kinds: &Kinds,
    path: &KeyPath,
    name: &str,
) -> Option<CronSettings> {
    let keys = CronKeys::read(reader, path);
    let zone = keys.as_ref().map(|keys| keys.zone.clone());
    let schedule = schedule(reader, &path.join(CronKeys::SCHEDULE), zone);
    let kind = kind(reader, kinds, &path.join(CronKeys::KIND));
    let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
    let CronKeys {
        args,
        catch_up,
        enabled,
        ..
    } = keys?;
    let (schedule, kind) = (schedule?, kind?);
    let args = args.or_else(|| Template::new(json!({})).ok())?;
    match ScheduledEntry::new(name, schedule, kind, args, catch_up, now) {
        Ok(entry) => Some(CronSettings { entry, enabled }),
        Err(EntryError::Name(error)) => {
            reader.error(path, "is not a valid name of an entry", error.to_string());
            None
        }
        Err(error) => {
            wrong_args(
                reader,
                path,
                &format!("are not those of {}: {error}", kind.kind),
            );
            None
        }
    }
}

/// Notes that the args are wrong, also where there are none.
fn wrong_args(reader: &mut Reader<'_>, path: &KeyPath, problem: &str) {
    let cure = "write them as `longshore enqueue` takes them: a table, or JSON between quotes";
    match reader.has(path.join(CronKeys::ARGS)) {
        true => reader.error(path.join(CronKeys::ARGS), problem, cure),
        false => reader.missing(path.join(CronKeys::ARGS), problem, cure),
    }
}

fn schedule(reader: &mut Reader<'_>, path: &KeyPath, zone: Option<Zone>) -> Option<Schedule> {
    if !reader.has(path) {
        let cure = "write five fields, minute hour day month weekday, such as \"30 2 * * *\", or six with seconds first";
        reader.missing(path, "is not set", cure);
        return None;
    }
    let text = reader.peek(path)?;
    // Whatever the zone: what is wrong with the expression is found beside what is wrong with that.
    match Schedule::new(&text, zone.clone().unwrap_or_else(Zone::utc)) {
        Ok(schedule) => zone.map(|_| schedule),
        Err(error) => {
            reader.error(path, error.problem, error.cure);
            None
        }
    }
}

fn zone(reader: &mut Reader<'_>, path: &KeyPath) -> Option<Zone> {
    let name = reader.text(path)?;
    match Zone::named(&name) {
        Ok(zone) => Some(zone),
        Err(error) => {
            let cure = match error.nearest {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => "use a name of the IANA database, such as Europe/Oslo".to_owned(),
            };
            reader.error(
                path,
                format!("there is no time zone `{}`", error.name),
                cure,
            );
            None
        }
    }
}

fn kind(reader: &mut Reader<'_>, kinds: &Kinds, path: &KeyPath) -> Option<KindSpec> {
    let known = || kinds.iter().map(|spec| spec.kind);
    let list = || format!("use one of {}", known().collect::<Vec<_>>().join(", "));
    if !reader.has(path) {
        reader.missing(path, "is not set", list());
        return None;
    }
    let name = reader.peek(path)?;
    let found = kinds.find(&name).copied();
    if found.is_none() {
        let alike = |kind: &str| strsim::jaro_winkler(kind, &name);
        let nearest = known()
            .max_by(|a, b| alike(a).total_cmp(&alike(b)))
            .filter(|kind| alike(kind) >= ALIKE);
        let cure = nearest.map_or_else(list, |kind| format!("did you mean `{kind}`?"));
        reader.error(path, format!("there is no kind `{name}`"), cure);
    }
    found
}

fn args(reader: &mut Reader<'_>, path: &KeyPath) -> Option<Template> {
    let value = as_json(reader.get(path)?).filter(serde_json::Value::is_object);
    let Some(value) = value else {
        let cure = "write a table, or a JSON object between quotes";
        reader.error(path, "is neither a table nor a JSON object", cure);
        return None;
    };
    match Template::new(value) {
        Ok(template) => Some(template),
        Err(error) => {
            let problem = format!("have a placeholder that is none: {}", error.0);
            let cure = "write {tick} or {day}, with an offset in s, m, h, d or w if need be, such as {day-1d}";
            reader.error(path, problem, cure);
            None
        }
    }
}

/// A table, or a text that holds JSON.
fn as_json(value: &Value) -> Option<serde_json::Value> {
    match value.as_str() {
        Some(text) => serde_json::from_str(text).ok(),
        None => serde_json::to_value(value).ok(),
    }
}

fn catch_up(reader: &mut Reader<'_>, path: &KeyPath) -> Option<CatchUp> {
    let word = reader.text(path)?;
    let read = word.parse().ok();
    if read.is_none() {
        let cure = "use none, once or all: what becomes of ticks that nobody was there for";
        reader.error(path, format!("is `{word}`"), cure);
    }
    read
}

/// Args as they may be shown: they may be personal.
pub(super) fn shown_args(
    reader: &Reader<'_>,
    kinds: &Kinds,
    path: &KeyPath,
    value: &Value,
) -> serde_json::Value {
    let kind = path.words().split_last().and_then(|(_, above)| {
        let kind = KeyPath::new(above).join(CronKeys::KIND);
        reader.get(&kind)?.as_str()
    });
    let args = as_json(value).unwrap_or_default();
    let payload = json!({ "kind": kind.unwrap_or_default(), "v": 1, "args": args });
    redact_args(kinds, payload.to_string().as_bytes(), false).unwrap_or_default()
}
