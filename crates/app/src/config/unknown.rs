//! Keys that nobody knows: found, refused, and answered with the one that was likely meant.

use figment::value::Value;
use longshore_integration::settings::{KeyAt, KeyPath, Reader, Shape, type_of};

use super::schema::{Place, Schema};

/// How alike (Jaro–Winkler, 0 to 1) a word must be to be offered in place of an unknown one: `uri` for `url` is 0.82,
/// `heartbeat` for `heartbeat_seconds` 0.91. A wrong offer is worse than the list of what there is.
pub(super) const ALIKE: f64 = 0.8;

impl Schema<'_> {
    /// Cuts a path after its first word that nothing begins with.
    pub(super) fn first_unknown(&self, path: &KeyPath) -> KeyPath {
        (1..path.words().len())
            .map(|depth| KeyPath::new(&path.words()[..depth]))
            .find(|head| matches!(self.place(head), Place::Unknown))
            .unwrap_or_else(|| path.clone())
    }

    /// The known path that was likely meant by this unknown one.
    pub(super) fn nearest(&self, unknown: &KeyPath) -> Option<KeyPath> {
        let (word, above) = unknown.words().split_last()?;
        let above = KeyPath::new(above);
        let alike = |known: &str| strsim::jaro_winkler(known, word);
        let sibling = self
            .words_under(&above)
            .into_iter()
            .max_by(|a, b| alike(a).total_cmp(&alike(b)))
            .filter(|known| alike(known) >= ALIKE)
            .map(|known| above.join(known));
        sibling.or_else(|| {
            // The right key in the wrong table; but one provider's key is not another's.
            let of_a_provider = unknown.words()[0] == "providers" && unknown.words().len() > 2;
            self.keys()
                .map(KeyAt::path)
                .filter(|path| !path.words().iter().any(|word| word.starts_with('<')))
                .filter(|path| !(of_a_provider && path.words()[0] == "providers"))
                .find(|path| path.words().last() == Some(word))
        })
    }

    /// What to do about an unknown path.
    pub(super) fn cure_unknown(&self, unknown: &KeyPath) -> String {
        if let Some(nearest) = self.nearest(unknown) {
            return format!("did you mean `{nearest}`?");
        }
        let above = KeyPath::new(unknown.words().split_last().map_or(&[][..], |(_, a)| a));
        let known: Vec<_> = self.words_under(&above).into_iter().collect();
        match known.as_slice() {
            // Below a key that is no table.
            [] => "remove it".to_owned(),
            known => format!("remove it; known here: {}", known.join(", ")),
        }
    }

    /// Reports every key that is set and not known, and every table that is not one.
    pub(super) fn refuse_unknown(&self, reader: &mut Reader<'_>) {
        self.refuse_under(&KeyPath::default(), reader);
    }

    fn refuse_under(&self, above: &KeyPath, reader: &mut Reader<'_>) {
        for name in reader.names(above) {
            let path = above.join(&name);
            match self.place(&path) {
                Place::Unknown => {
                    reader.error(&path, problem_unknown(&path), self.cure_unknown(&path));
                }
                Place::Section => match reader.get(&path) {
                    Some(Value::Dict(..)) | None => self.refuse_under(&path, reader),
                    Some(other) => {
                        let problem = format!("is {}, not a table", type_of(other));
                        let keys: Vec<_> = self.words_under(&path).into_iter().collect();
                        let cure = match keys.as_slice() {
                            [] => "write a table of names".to_owned(),
                            keys => format!("write a table with the keys {}", keys.join(", ")),
                        };
                        reader.error(&path, problem, cure);
                    }
                },
                // A key that may be a table has keys of its own.
                Place::Key(key) if key.key.shape == Shape::TextOrTable => {
                    self.refuse_under(&path, reader);
                }
                Place::Key(_) => {}
            }
        }
    }
}

/// What is wrong with an unknown path.
pub(super) fn problem_unknown(path: &KeyPath) -> &'static str {
    match path.words() {
        [section, _] if section == "queues" => "there is no such queue",
        [section, _] if section == "kinds" => "there is no such kind",
        _ => "is not a key of the configuration",
    }
}
