//! Stripe's forms: nested values as `metadata[orderId]=1` and `items[0][price]=price_1`.

use std::collections::BTreeMap;

use super::problem::Problem;

/// What a request says, by flat name. Reading takes values out, so that what is left is what nobody knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Params {
    values: BTreeMap<String, String>,
}

impl Params {
    /// Reads query and body; of two values with one name the later one counts. Brackets may be percent-encoded.
    pub(super) fn read(query: &str, body: &[u8]) -> Self {
        let mut values = BTreeMap::new();
        let pairs = form_urlencoded::parse(query.as_bytes()).chain(form_urlencoded::parse(body));
        for (name, value) in pairs {
            let name = match name.strip_suffix("[]") {
                // A list without numbers: each value is one more.
                Some(list) => (0..)
                    .map(|n| format!("{list}[{n}]"))
                    .find(|name| !values.contains_key(name))
                    .unwrap_or_default(),
                None => name.replacen("[]", "[0]", 1),
            };
            values.insert(name, value.into_owned());
        }
        Self { values }
    }

    /// A value; an empty one is none.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.values.remove(name).filter(|value| !value.is_empty())
    }

    /// A value that has to be there.
    pub(super) fn required(&mut self, name: &str) -> Result<String, Problem> {
        match self.values.remove(name) {
            None => Err(Problem::invalid(
                Some("parameter_missing"),
                format!("Missing required param: {name}."),
                name,
            )),
            Some(value) if value.is_empty() => Err(Problem::invalid(
                Some("parameter_invalid_empty"),
                format!("You passed an empty string for '{name}', which cannot be unset."),
                name,
            )),
            Some(value) => Ok(value),
        }
    }

    /// A whole number from 1.
    pub(super) fn count(&mut self, name: &str) -> Result<Option<u64>, Problem> {
        self.text(name).map(|text| count(name, &text)).transpose()
    }

    /// A time, in seconds since the Unix epoch.
    pub(super) fn time(&mut self, name: &str) -> Result<Option<u64>, Problem> {
        let time = |text: String| {
            let code = Some("parameter_invalid_integer");
            let time = text.parse();
            time.map_err(|_| Problem::invalid(code, format!("Invalid integer: {text}"), name))
        };
        self.text(name).map(time).transpose()
    }

    /// `true` or `false`; Stripe's library for Python writes `True`.
    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, Problem> {
        match self.text(name).as_deref() {
            None => Ok(None),
            Some("true" | "True") => Ok(Some(true)),
            Some("false" | "False") => Ok(Some(false)),
            Some(other) => Err(Problem::invalid(
                None,
                format!("Invalid boolean: {other}"),
                name,
            )),
        }
    }

    /// `name[key]=value`, one level deep.
    pub(super) fn map(&mut self, name: &str) -> BTreeMap<String, String> {
        let key_of = |flat: &str| {
            let key = flat.strip_prefix(name)?.strip_prefix('[')?;
            let key = key.strip_suffix(']')?;
            (!key.contains(['[', ']'])).then(|| key.to_owned())
        };
        let (inside, left) = std::mem::take(&mut self.values)
            .into_iter()
            .partition(|(flat, _)| key_of(flat).is_some());
        self.values = left;
        let inside: BTreeMap<String, String> = inside;
        inside
            .into_iter()
            .filter_map(|(flat, value)| Some((key_of(&flat)?, value)))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }

    /// Leaves out what Stripe knows and this stand-in has no use for.
    pub(super) fn pass_over(&mut self, names: &[&str]) {
        self.values.retain(|name, _| !names.contains(&&**name));
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), Problem> {
        match self.values.into_keys().next() {
            None => Ok(()),
            Some(name) => Err(Problem::invalid(
                Some("parameter_unknown"),
                format!("Received unknown parameter: {name}"),
                &name,
            )),
        }
    }
}

/// A whole number from 1, of this parameter.
pub(super) fn count(name: &str, text: &str) -> Result<u64, Problem> {
    let message = match text.parse::<i64>() {
        Ok(number) if number >= 1 => return Ok(number.unsigned_abs()),
        Ok(_) => "This value must be greater than or equal to 1.".to_owned(),
        Err(_) => format!("Invalid integer: {text}"),
    };
    Err(Problem::invalid(
        Some("parameter_invalid_integer"),
        message,
        name,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_read_literal_and_encoded() {
        for form in [
            "metadata[orderId]=o+1&items[0][price]=price_1&types[]=a&types[]=b",
            "metadata%5BorderId%5D=o%201&items%5B0%5D%5Bprice%5D=price_1&types%5B0%5D=a&types[1]=b",
        ] {
            let mut params = Params::read("", form.as_bytes());
            assert_eq!(params.map("metadata")["orderId"], "o 1", "{form}");
            assert_eq!(params.text("items[0][price]").as_deref(), Some("price_1"));
            let types: Vec<_> = params.map("types").into_values().collect();
            assert_eq!(types, ["a", "b"]);
            assert_eq!(params.end(), Ok(()));
        }
    }

    #[test]
    fn what_nobody_takes_is_unknown() {
        let mut params = Params::read("a=1", b"metadata[x][y]=2&b=");
        assert_eq!(params.text("a").as_deref(), Some("1"));
        assert_eq!(params.text("b"), None);
        assert!(params.map("metadata").is_empty());
        let problem = params.end().expect_err("metadata is one level deep");
        assert_eq!(problem.param.as_deref(), Some("metadata[x][y]"));
    }
}
