//! Which forms were sent, and what came of them: the same form acts once.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use crate::content::PageError;

/// So many forms are remembered.
const MOST: usize = 4_096;

/// What came of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Where it is seen, within the console.
    pub(crate) location: String,
    /// What was done, in one sentence, where it is done already.
    pub(crate) sentence: Option<String>,
}

impl Outcome {
    /// It goes on by itself, and is seen there.
    pub(crate) fn seen_at(location: impl Into<String>) -> Self {
        Self {
            location: location.into(),
            sentence: None,
        }
    }

    /// It is done.
    pub(crate) fn done(location: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self {
            location: location.into(),
            sentence: Some(sentence.into()),
        }
    }
}

/// How a form stands.
#[derive(Debug, Clone)]
pub(crate) enum Sent {
    /// It is sent for the first time.
    First,
    /// It is being carried out.
    UnderWay,
    /// It was carried out.
    Before(Result<Outcome, PageError>),
}

#[derive(Debug, Default)]
struct Known {
    forms: HashMap<String, Option<Result<Outcome, PageError>>>,
    order: VecDeque<String>,
}

/// The forms that were sent lately.
#[derive(Debug, Default)]
pub(crate) struct Acts(Mutex<Known>);

impl Acts {
    /// Notes that a form was sent.
    pub(crate) fn begin(&self, form: &str) -> Sent {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.forms.get(form) {
            Some(None) => return Sent::UnderWay,
            Some(Some(outcome)) => return Sent::Before(outcome.clone()),
            None => {}
        }
        if known.order.len() >= MOST
            && let Some(oldest) = known.order.pop_front()
        {
            known.forms.remove(&oldest);
        }
        known.forms.insert(form.to_owned(), None);
        known.order.push_back(form.to_owned());
        Sent::First
    }

    /// Notes what came of it. One that Redis was away for may be sent again.
    pub(crate) fn end(&self, form: &str, outcome: &Result<Outcome, PageError>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Err(_) => {
                known.forms.remove(form);
                known.order.retain(|of| of != form);
            }
            Ok(_) => {
                if let Some(of) = known.forms.get_mut(form) {
                    *of = Some(outcome.clone());
                }
            }
        }
    }

    /// What was done by a form, in one sentence.
    pub(crate) fn sentence(&self, form: &str) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.forms.get(form)? {
            Some(Ok(outcome)) => outcome.sentence.clone(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_acts_once_unless_it_failed() {
        let acts = Acts::default();
        assert!(matches!(acts.begin("a"), Sent::First));
        assert!(matches!(acts.begin("a"), Sent::UnderWay));
        acts.end("a", &Ok(Outcome::done("/", "Paused.")));
        assert!(matches!(acts.begin("a"), Sent::Before(Ok(_))));
        assert_eq!(acts.sentence("a").as_deref(), Some("Paused."));
        assert!(matches!(acts.begin("b"), Sent::First));
        acts.end("b", &Err(PageError::Away("gone".to_owned())));
        assert!(matches!(acts.begin("b"), Sent::First));
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let acts = Acts::default();
        for n in 0..=MOST {
            acts.begin(&n.to_string());
        }
        assert!(matches!(acts.begin("1"), Sent::UnderWay));
        assert!(matches!(acts.begin("0"), Sent::First));
    }
}
