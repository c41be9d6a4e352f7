//! Which names in a job's args are the program's own, and where a list stands in the place of a struct.
//!
//! A name in a free map (`{"data": {"Ada": 1}}`) may be a person's, and looks like any other. The names of a struct's
//! fields are nobody's. serde tells a deserializer which struct it reads, with the names of its fields; so these are
//! collected while the args are decoded once more. Whatever is not known to be a field's name counts as private.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use serde::Deserializer;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer, Visitor};
use serde_json::{Error, Value};

/// Names of structs' fields.
pub type Names = BTreeSet<&'static str>;

/// The names of the fields of all structs that are read on the way through these args. Of args that do not decode, those
/// of the structs that were begun; of the variants of enums none.
pub(crate) fn names<J: DeserializeOwned>(args: Value) -> Names {
    read::<J>(args).names.into_inner()
}

/// The fields of the first struct in whose place a list stands. serde takes its elements for the fields in their order.
pub(crate) fn listed<J: DeserializeOwned>(args: Value) -> Option<&'static [&'static str]> {
    read::<J>(args).listed.get()
}

fn read<J: DeserializeOwned>(args: Value) -> Found {
    let found = Found::default();
    // Of what does not decode, less is found.
    drop(J::deserialize(Named {
        value: args,
        found: &found,
    }));
    found
}

/// What is found out about args while they are decoded.
#[derive(Default)]
struct Found {
    names: RefCell<Names>,
    listed: Cell<Option<&'static [&'static str]>>,
}

/// A value, and where it is noted what is found.
struct Named<'a> {
    value: Value,
    found: &'a Found,
}

impl<'de> Deserializer<'de> for Named<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let found = self.found;
        let named = |value| Named { value, found };
        match self.value {
            Value::Array(values) => {
                visitor.visit_seq(SeqDeserializer::new(values.into_iter().map(named)))
            }
            Value::Object(fields) => {
                let fields = fields.into_iter().map(|(name, value)| (name, named(value)));
                visitor.visit_map(MapDeserializer::new(fields))
            }
            scalar => scalar.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.found.names.borrow_mut().extend(fields);
        if self.value.is_array() {
            let first = self.found.listed.get().or(Some(fields));
            self.found.listed.set(first);
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        // JSON that is kept as it stands is read by serde_json alone. There is no struct in it.
        match name.starts_with("$serde_json::private::") {
            true => self.value.deserialize_newtype_struct(name, visitor),
            false => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.value.deserialize_enum(name, variants, visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Error> for Named<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
