//! Tables with a table for each name in them: `api.tokens.<name>`, `console.users.<name>`.

use longshore_integration::settings::{KeyPath, Reader};
use longshore_queue::EnqueuedBy;

/// The table around those at this path, whose last word is `<name>`.
pub(super) fn table(at: &str) -> KeyPath {
    let one = KeyPath::from(at);
    let (_, above) = one.words().split_last().unwrap_or((&String::new(), &[]));
    KeyPath::new(above)
}

/// The tables in it, each with its name. A name that cannot stand in the audit is found to be wrong.
pub(super) fn tables_in(reader: &mut Reader<'_>, table: &KeyPath) -> Vec<(String, KeyPath)> {
    let mut tables = Vec::new();
    for name in reader.names(table) {
        let path = table.join(&name);
        let value = reader.get(&path);
        // Anything but a table is answered as such.
        if value.is_none_or(|value| value.as_dict().is_none()) {
            continue;
        }
        if !EnqueuedBy::fits(&name) {
            let cure = "use 1 to 64 characters, none of them a control character";
            reader.error(&path, "cannot be a name", cure);
            continue;
        }
        tables.push((name, path));
    }
    tables
}
