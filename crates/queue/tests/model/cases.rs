//! Histories that found a fault once, in the scripts or in the model.

use crate::step::Step;

/// Each by what it is about.
pub(crate) const ALL: &[(&str, &[Step])] = &[];
