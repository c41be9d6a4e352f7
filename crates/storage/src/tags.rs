//! Tags of objects.

use crate::error::{Error, ErrorClass};
use crate::session::Session;

impl Session {
    /// Whether an object, or this version of it, has a tag. What is gone has none; nor has anything where a store knows no
    /// tags.
    ///
    /// # Errors
    /// See [`ErrorClass`].
    pub async fn has_tag(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        (name, value): (&str, &str),
    ) -> Result<bool, Error> {
        if !self.name().has_tags() {
            return Ok(false);
        }
        let asked = self.call(format!("say the tags of an object in {bucket}"), |client| {
            client
                .get_object_tagging()
                .bucket(bucket)
                .key(key)
                .set_version_id(version.map(str::to_owned))
                .send()
        });
        match asked.await {
            Ok(answer) => Ok(answer
                .tag_set()
                .iter()
                .any(|tag| tag.key() == name && tag.value() == value)),
            Err(error) if matches!(error.class, ErrorClass::Missing | ErrorClass::Unsupported) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}
