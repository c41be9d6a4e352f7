//! Notes which mail was sent for a job, so that delivery updates find the job.

use longshore_job::Run;

/// The longest id that is believed: it becomes a key in Redis.
const MAX_ID: usize = 128;

/// Notes that this message, by the provider's id, was sent for this job, so that its updates find the job. It is sent,
/// whether or not that can be noted: then only updates that come first after the job is pruned do not find it.
pub(crate) async fn note_sent(run: &Run, id: &str) {
    let Some(id) = known_as(id) else {
        tracing::warn!(job = %run.id, "the id of the message is none; it is not noted");
        return;
    };
    match run.memory().note_message(id).await {
        Ok(true) => {}
        Ok(false) => tracing::warn!(job = %run.id, id, "another job has this message"),
        Err(error) => tracing::warn!(job = %run.id, id, %error, "the message is not noted"),
    }
}

/// What events call a message: SendGrid's id up to the first dot.
fn known_as(id: &str) -> Option<&str> {
    let id = id.split('.').next().unwrap_or_default();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'=');
    ((1..=MAX_ID).contains(&id.len()) && id.bytes().all(fits)).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_known_by_what_stands_before_the_first_dot() {
        for (id, known) in [
            ("QtRSVbcnQlqvR8kVGAbSKg", Some("QtRSVbcnQlqvR8kVGAbSKg")),
            ("14c5d75ce93.dfd.64b469", Some("14c5d75ce93")),
            ("a_b-c=", Some("a_b-c=")),
            ("", None),
            (".x", None),
            ("a b", None),
            ("a:b", None),
        ] {
            assert_eq!(known_as(id), known, "{id}");
        }
        assert_eq!(known_as(&"a".repeat(129)), None);
    }
}
