//! The environment: `LONGSHORE_SECTION__KEY`.
//!
//! figment's own provider guesses types (a token of digits becomes a number) and reads everything with the prefix.
//! This one knows the keys: texts stay as they stand, `payment_reconcile` finds the queue `payment-reconcile`, and
//! `LONGSHORE_PORT`, which Kubernetes makes up for a service of that name, is nobody's business.

use std::collections::BTreeMap;
use std::ffi::OsString;

use figment::Figment;
use figment::value::{Dict, Value};

use longshore_integration::settings::{Finding, Findings, KeyPath, Severity};

use super::document;
use super::layer::{self, Layer};
use super::schema::{self, Place, Schema};
use super::unknown::{ALIKE, problem_unknown};

/// Begins every variable that is read, in any case.
const PREFIX: &str = "longshore_";
/// Stands between the words of a key. Variables without it are not for us, but for a key that is one word.
const SEPARATOR: &str = "__";

/// The layer of the environment. `below` are the layers under it: they know names that cannot be guessed.
pub(super) fn layer<N, V>(
    env: impl IntoIterator<Item = (N, V)>,
    schema: &Schema<'_>,
    below: &Figment,
    findings: &mut Findings,
) -> Layer
where
    N: Into<OsString>,
    V: Into<OsString>,
{
    // Ordered by path, so that a table comes before the keys that are set one by one beside it.
    let mut found: BTreeMap<KeyPath, (String, Value)> = BTreeMap::new();
    for (name, text) in env {
        let Ok(name) = name.into().into_string() else {
            continue;
        };
        let Some(words) = words(&name, schema) else {
            findings_of_misnamed(name, schema, findings);
            continue;
        };
        let Ok(text) = text.into().into_string() else {
            let cure = "set a text in UTF-8";
            findings.error(KeyPath::new(&words), Some(name), "is not UTF-8", cure);
            continue;
        };
        let path = named_path(&words, schema, below);
        let value = match schema.place(&path) {
            Place::Key(key) => schema::read(key.key.shape, &text),
            Place::Section => {
                match document::parse_value(&text).filter(|value| value.as_dict().is_some()) {
                    Some(table) => table,
                    None => {
                        let cure = "write { key = value }, or set one variable for each key";
                        findings.error(path, Some(name), "is not a TOML table", cure);
                        continue;
                    }
                }
            }
            Place::Unknown => {
                refuse(&path, name, schema, findings);
                continue;
            }
        };
        if let Some((other, _)) = found.get(&path) {
            let problem = format!("is set by {other} as well");
            findings.error(path, Some(name), problem, "unset one of the two");
            continue;
        }
        found.insert(path, (name, value));
    }

    let mut values = Dict::new();
    let mut origins = BTreeMap::new();
    for (path, (name, value)) in found {
        layer::insert(&mut values, path.words(), value);
        origins.insert(path, name);
    }
    Layer::with_origins("environment".to_owned(), values, origins)
}

/// What is said of a variable that is likely meant for a key, and is not read.
pub(super) const MISNAMED: &str =
    "is not set by this variable: between the words of a key stand two underscores";

/// Said of a variable with our prefix that nothing reads.
pub(super) const MEANS_NOTHING: &str =
    "means nothing: no key, and no flag, is set by this variable";

/// Flags that may be set by the environment, by what follows the prefix.
const FLAGS: [&str; 3] = ["profile", "config", "operator"];

/// Notes a variable that is not read, with the likely name: of a key, if it had two underscores in the right places, or of what is
/// alike. What Kubernetes makes up for services is left alone.
fn findings_of_misnamed(name: String, schema: &Schema<'_>, findings: &mut Findings) {
    let lower = name.to_ascii_lowercase();
    let Some(key) = lower.strip_prefix(PREFIX) else {
        return;
    };
    let of_a_service = key
        .split('_')
        .any(|word| matches!(word, "service" | "port" | "test"));
    if key.is_empty() || FLAGS.contains(&key) {
        return;
    }
    let joined = |path: &KeyPath| {
        let words = path.words().iter().map(|word| word.replace('-', "_"));
        words.collect::<Vec<_>>().join("_")
    };
    let paths = schema.paths();
    let (shown, problem, cure) = match paths.iter().find(|path| joined(path) == key) {
        Some(meant) => {
            let cure = format!("did you mean {}?", meant.variable());
            (meant.to_string(), MISNAMED, cure)
        }
        None if of_a_service => return,
        None => {
            let flags = FLAGS.map(|flag| (flag.to_owned(), KeyPath::new(&[flag]).variable()));
            let keys = paths.iter().map(|path| (joined(path), path.variable()));
            let alike = |known: &str| strsim::jaro_winkler(known, key);
            let nearest = flags
                .into_iter()
                .chain(keys)
                .max_by(|(a, _), (b, _)| alike(a).total_cmp(&alike(b)))
                .filter(|(known, _)| alike(known) >= ALIKE);
            let cure = nearest.map_or("unset it".to_owned(), |(_, variable)| {
                format!("did you mean {variable}?")
            });
            (key.to_owned(), MEANS_NOTHING, cure)
        }
    };
    findings.push(Finding {
        severity: Severity::Warning,
        key: shown,
        origin: Some(name),
        problem: problem.to_owned(),
        cure,
    });
}

/// Notes a variable that sets no key, with the variable that was likely meant.
fn refuse(path: &KeyPath, variable: String, schema: &Schema<'_>, findings: &mut Findings) {
    let unknown = schema.first_unknown(path);
    let cure = match schema.nearest(&unknown) {
        Some(nearest) => {
            let rest = &path.words()[unknown.words().len()..];
            let whole = rest
                .iter()
                .fold(nearest.clone(), |path, word| path.join(word));
            let meant = match schema.place(&whole) {
                Place::Unknown => nearest,
                Place::Key(_) | Place::Section => whole,
            };
            format!("did you mean {}?", meant.variable())
        }
        None => schema.cure_unknown(&unknown),
    };
    findings.error(&unknown, Some(variable), problem_unknown(&unknown), cure);
}

/// The words of a variable that is for us, in lower case.
fn words(variable: &str, schema: &Schema<'_>) -> Option<Vec<String>> {
    let lower = variable.to_ascii_lowercase();
    let key = lower.strip_prefix(PREFIX)?;
    let is_word = || matches!(schema.place(&KeyPath::new(&[key])), Place::Key(_));
    (key.contains(SEPARATOR) || is_word())
        .then(|| key.split(SEPARATOR).map(str::to_owned).collect())
}

/// Finds the names with `-` that are written with `_` here: of the queues, and of what lower layers define.
fn named_path(words: &[String], schema: &Schema<'_>, below: &Figment) -> KeyPath {
    let mut path = KeyPath::default();
    for word in words {
        let defined = below.find_value(&path.to_string()).ok();
        let mut known: Vec<&str> = schema.words_under(&path).into_iter().collect();
        known.extend(
            defined
                .iter()
                .filter_map(Value::as_dict)
                .flat_map(Dict::keys)
                .map(String::as_str),
        );
        let meant = known
            .iter()
            .find(|name| **name == word)
            .or_else(|| known.iter().find(|name| name.replace('-', "_") == *word));
        path = path.join(meant.copied().unwrap_or(word));
    }
    path
}
