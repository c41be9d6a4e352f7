//! What was read of a configuration, by type.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Settings of any type, one of each. What is not there is off.
#[derive(Clone, Default)]
pub struct Sections(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl Sections {
    /// Adds settings; later ones of the same type take their place.
    pub fn insert<T: Send + Sync + 'static>(&mut self, settings: T) {
        self.0.insert(TypeId::of::<T>(), Arc::new(settings));
    }

    /// Takes out the settings of this type: what they are for is off after all.
    pub fn remove<T: Send + Sync + 'static>(&mut self) {
        self.0.remove(&TypeId::of::<T>());
    }

    /// The settings of this type, if what they are for is on.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.get(&TypeId::of::<T>())?.downcast_ref()
    }
}

/// How many there are; not what is in them.
impl fmt::Debug for Sections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sections").field(&self.0.len()).finish()
    }
}
