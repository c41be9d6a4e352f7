//! A deserializer that answers with samples, and notes what it was asked for.

use std::cell::RefCell;
use std::fmt;

use serde::Deserializer;
use serde::de::{
    self, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};
use serde_json::{Map, Value, json};

use super::{Form, Question, Seen};

/// So deep in a type it is not asked any more: it may hold itself.
const DEEPEST: usize = 8;

/// A field that no type has.
const STRANGER: &str = "a field that no type has";

/// Why a sample was refused.
#[derive(Debug)]
pub(super) enum Refusal {
    /// This field is missing.
    Missing(&'static str),
    /// A field is not known.
    Unknown,
    /// Anything else.
    Other,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sample is refused")
    }
}

impl std::error::Error for Refusal {}

impl de::Error for Refusal {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Other
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self::Unknown
    }
}

/// The deserializer of one place.
#[derive(Clone)]
pub(super) struct Probe<'a> {
    seen: &'a RefCell<Seen>,
    place: String,
}

impl<'a> Probe<'a> {
    pub(super) fn at(seen: &'a RefCell<Seen>, place: String) -> Self {
        Self { seen, place }
    }

    fn under(&self, part: &str) -> Self {
        Self::at(self.seen, format!("{}{part}", self.place))
    }

    fn note(&self, form: Form) {
        let mut seen = self.seen.borrow_mut();
        seen.forms.entry(self.place.clone()).or_insert(form);
    }

    fn plain(&self, schema: Value) {
        self.note(Form::Plain(schema));
    }

    fn is_too_deep(&self) -> bool {
        self.place.matches(['.', '[', '{']).count() > DEEPEST
    }

    /// Whether this pass has a sample for this field.
    fn is_given(&self, field: &str) -> bool {
        let seen = self.seen.borrow();
        let place = format!("{}.{field}", self.place);
        let question = seen.question.place();
        match &seen.question {
            Question::Without(without) if *without == place => false,
            _ => !seen.refused.contains(&place) || holds(&place, question),
        }
    }

    /// Reads what is here, and notes where a sample was refused, so that the next pass does without it.
    fn read<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Refusal> {
        let (seen, place) = (self.seen, self.place.clone());
        seed.deserialize(self).inspect_err(|_| {
            let mut seen = seen.borrow_mut();
            if matches!(seen.question, Question::Forms) && !seen.blamed && place.ends_with(is_name)
            {
                seen.blamed = true;
                seen.refused.insert(place);
            }
        })
    }
}

fn is_name(c: char) -> bool {
    !matches!(c, ']' | '}')
}

/// Whether a place is around another.
fn holds(outer: &str, inner: &str) -> bool {
    inner
        .strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', '{']))
}

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $type:ty;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            self.plain(json!({"type": "integer", "minimum": <$type>::MIN, "maximum": <$type>::MAX}));
            visitor.$visit(1)
        })*
    };
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.note(Form::Any);
        visitor.visit_unit()
    }

    whole_numbers! {
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.plain(json!({"type": "boolean"}));
        visitor.visit_bool(false)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.plain(json!({"type": "number"}));
        visitor.visit_f64(1.0)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.plain(json!({"type": "string", "minLength": 1, "maxLength": 1}));
        visitor.visit_char('a')
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.plain(json!({"type": "string"}));
        visitor.visit_str("")
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_str(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.plain(json!({"type": "null"}));
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.seen.borrow_mut().nullable.insert(self.place.clone());
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        // JSON that is kept as it stands is read by serde_json alone.
        if name.starts_with("$serde_json::private::") {
            self.note(Form::Any);
            let sample = Value::Object(Map::new());
            let read = sample.deserialize_newtype_struct(name, visitor);
            return read.map_err(|_| Refusal::Other);
        }
        if name == super::JSON_OBJECT {
            self.note(Form::Plain(
                json!({"type": "object", "additionalProperties": true}),
            ));
            let read = visitor.visit_newtype_struct(Value::Object(Map::new()));
            return read.map_err(|_| Refusal::Other);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.note(Form::List);
        let element = (!self.is_too_deep()).then(|| self.under("[]"));
        visitor.visit_seq(Samples(element.into_iter().collect()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.note(Form::Row(length));
        let elements = (0..length).rev().map(|n| self.under(&format!("[{n}]")));
        visitor.visit_seq(Samples(elements.collect()))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.note(Form::Named);
        let value = (!self.is_too_deep()).then(|| ("name", self.under("{}")));
        visitor.visit_map(Fields(value.into_iter().collect()))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.note(Form::Fields(fields));
        if self.is_too_deep() {
            return Err(Refusal::Other);
        }
        let mut samples: Vec<_> = fields
            .iter()
            .rev()
            .filter(|field| self.is_given(field))
            .map(|field| (*field, self.under(&format!(".{field}"))))
            .collect();
        let question = self.seen.borrow().question.clone();
        if matches!(question, Question::Stranger(place) if place == self.place) {
            samples.push((STRANGER, self.under(".")));
        }
        visitor.visit_map(Fields(samples))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.note(Form::Variants(variants));
        let question = self.seen.borrow().question.clone();
        let n = match question {
            Question::Variant(place, n) if place == self.place => n,
            _ => 0,
        };
        let name = variants.get(n).copied().unwrap_or_default();
        visitor.visit_enum(Variant { name, probe: self })
    }

    serde::forward_to_deserialize_any! {
        i128 u128 bytes byte_buf unit_struct tuple_struct identifier ignored_any
    }
}

/// Values in a row, the first one last.
struct Samples<'a>(Vec<Probe<'a>>);

impl<'de> SeqAccess<'de> for Samples<'_> {
    type Error = Refusal;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Refusal> {
        self.0.pop().map(|probe| probe.read(seed)).transpose()
    }
}

/// Named values, the first one last.
struct Fields<'a>(Vec<(&'static str, Probe<'a>)>);

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Refusal;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Refusal> {
        let name = self.0.last().map(|(name, _)| *name);
        name.map(|name| seed.deserialize(name.into_deserializer()))
            .transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Refusal> {
        let (_, probe) = self.0.pop().ok_or(Refusal::Other)?;
        probe.read(seed)
    }
}

/// One variant of an enum.
struct Variant<'a> {
    name: &'static str,
    probe: Probe<'a>,
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Refusal;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), Refusal> {
        let variant = seed.deserialize(self.name.into_deserializer())?;
        Ok((variant, self))
    }
}

impl Variant<'_> {
    /// It holds something.
    fn loaded<T>(self) -> Result<T, Refusal> {
        let mut seen = self.probe.seen.borrow_mut();
        seen.loaded.insert(self.probe.place.clone());
        Err(Refusal::Other)
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Refusal;

    fn unit_variant(self) -> Result<(), Refusal> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, Refusal> {
        self.loaded()
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Refusal> {
        self.loaded()
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Refusal> {
        self.loaded()
    }
}
