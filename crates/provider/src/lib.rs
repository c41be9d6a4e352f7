//! What all provider clients share: HTTP, errors, Retry-After, secrets, redaction.
