//! A form that was sent: its fields, after the guard has checked its token.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::content::PageError;
use crate::number::number;
use crate::view::View;

/// The fields of a form, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form(Arc<Vec<(String, String)>>);

/// More than so many jobs are changed in production only by who types how many.
pub(crate) const TYPED_FROM: u64 = 1_000;

impl Form {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        Self(Arc::new(
            form_urlencoded::parse(bytes).into_owned().collect(),
        ))
    }

    /// All of them.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// A field as it was typed.
    pub(crate) fn typed(&self, name: &str) -> Option<&str> {
        let mut fields = self.0.iter();
        let (_, value) = fields.find(|(field, _)| field == name)?;
        Some(value)
    }

    /// A field; one that is blank is not set.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let value = self.typed(name)?.trim();
        Some(value).filter(|value| !value.is_empty())
    }

    /// Whether a box is ticked.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A field that has to be there.
    pub(crate) fn wanted(&self, name: &str, cure: &str) -> Result<&str, PageError> {
        self.get(name)
            .ok_or_else(|| PageError::Wrong(cure.to_owned()))
    }

    /// The reason that every act has.
    pub(crate) fn reason(&self) -> Result<&str, PageError> {
        self.wanted(
            "reason",
            "The reason is missing: say why; the audit keeps it.",
        )
    }

    /// How many the page said it would be done to.
    pub(crate) fn count(&self) -> u64 {
        self.get("count")
            .and_then(|text| text.parse().ok())
            .unwrap_or(0)
    }

    /// That it is meant: in production, for many, by their number.
    pub(crate) fn check_number(&self, view: &View) -> Result<(), PageError> {
        let count = self.count();
        if !must_type(view, count) {
            return Ok(());
        }
        let typed = self.get("number").unwrap_or_default().replace(',', "");
        match typed == count.to_string() {
            true => Ok(()),
            false => Err(PageError::Wrong(format!(
                "This is production, and {} are meant: type that number to confirm.",
                number(count)
            ))),
        }
    }
}

/// Whether the number has to be typed.
pub(crate) fn must_type(view: &View, count: u64) -> bool {
    view.is_production && count > TYPED_FROM
}

impl<S: Sync> FromRequestParts<S> for Form {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}
