//! The last picture of each page, for when Redis is away. It holds no form token and no personal data.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::content::Content;
use crate::who::ConsoleRole;

/// All pictures together may be this long, in bytes.
const MOST_BYTES: usize = 16 << 20;

/// A page as it was.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) content: Content,
    pub(crate) at: Timestamp,
}

/// Which page, and for whom: an operator's has buttons.
type Page = (String, ConsoleRole);

#[derive(Debug, Default)]
struct Kept {
    pictures: HashMap<Page, Arc<Picture>>,
    /// The order in which they came, the oldest first.
    order: VecDeque<Page>,
    bytes: usize,
}

/// Pictures of pages, as many as fit.
#[derive(Debug, Default)]
pub(crate) struct Pictures(Mutex<Kept>);

impl Pictures {
    pub(crate) fn keep(&self, page: &str, role: ConsoleRole, content: &Content, at: Timestamp) {
        let size = content.body.0.len() + page.len();
        if size > MOST_BYTES / 8 {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let page: Page = (page.to_owned(), role);
        let picture = Picture {
            content: content.clone(),
            at,
        };
        if let Some(before) = kept.pictures.insert(page.clone(), Arc::new(picture)) {
            kept.bytes -= before.content.body.0.len() + page.0.len();
            kept.order.retain(|of| *of != page);
        }
        kept.bytes += size;
        kept.order.push_back(page);
        while kept.bytes > MOST_BYTES
            && let Some(oldest) = kept.order.pop_front()
        {
            if let Some(gone) = kept.pictures.remove(&oldest) {
                kept.bytes -= gone.content.body.0.len() + oldest.0.len();
            }
        }
    }

    pub(crate) fn last(&self, page: &str, role: ConsoleRole) -> Option<Arc<Picture>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.pictures.get(&(page.to_owned(), role)).cloned()
    }
}

#[cfg(test)]
mod tests {
    use maud::PreEscaped;

    use super::*;
    use crate::section::Section;

    #[test]
    fn the_oldest_make_room() {
        let pictures = Pictures::default();
        let big = Content::new(
            Section::Other,
            "big",
            PreEscaped("x".repeat(MOST_BYTES / 10)),
        );
        for n in 0..30 {
            pictures.keep(
                &format!("/{n}"),
                ConsoleRole::Viewer,
                &big,
                Timestamp::UNIX_EPOCH,
            );
        }
        assert!(pictures.last("/0", ConsoleRole::Viewer).is_none());
        assert!(pictures.last("/29", ConsoleRole::Viewer).is_some());
        assert!(pictures.last("/29", ConsoleRole::Operator).is_none());
        let kept = pictures.0.lock().expect("nobody panicked");
        assert!(kept.bytes <= MOST_BYTES && kept.pictures.len() == kept.order.len());
    }
}
