//! A path that the console answers.

use axum::routing::MethodRouter;

/// A path, with what may be sent to it.
pub(crate) struct Route {
    pub(crate) path: &'static str,
    /// `GET`, `POST` or both.
    pub(crate) methods: &'static [&'static str],
    pub(crate) handler: MethodRouter,
}

impl Route {
    /// A page to look at.
    pub(crate) fn page(path: &'static str, handler: MethodRouter) -> Self {
        Self::new(path, &["GET"], handler)
    }

    /// An act: a page that shows what would happen, and the form that does it.
    pub(crate) fn act(path: &'static str, handler: MethodRouter) -> Self {
        Self::new(path, &["GET", "POST"], handler)
    }

    /// What is only sent.
    pub(crate) fn sent(path: &'static str, handler: MethodRouter) -> Self {
        Self::new(path, &["POST"], handler)
    }

    fn new(path: &'static str, methods: &'static [&'static str], handler: MethodRouter) -> Self {
        Self {
            path,
            methods,
            handler,
        }
    }
}
