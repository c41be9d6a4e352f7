//! Whether the place of files is as it is configured: who can read it, and whether it keeps versions.

use std::time::Duration;

use longshore_integration::{FilesState, Program};
use tokio::time::timeout;

use super::finding::{Finding, error, ok, warning};
use crate::failure::Failure;
use crate::registry::SetupContext;
use crate::secrets::Secrets;
use crate::session::Session;

/// How long all of it may take. A store that is away is found by whether it can be reached.
const WITHIN: Duration = Duration::from_secs(10);

pub(super) async fn all(session: &Session) -> Result<Vec<Finding>, Failure> {
    let secrets = Secrets::new(&session.config)?;
    let setup = SetupContext::new(&session.config, &secrets);
    // What its secrets lack is among the findings about secrets.
    let Ok(Some(files)) = setup.files().await else {
        return Ok(Vec::new());
    };
    let Ok(checks) = timeout(WITHIN, files.examine()).await else {
        let text = format!("the store did not answer within {} s", WITHIN.as_secs());
        let cure = "see whether it can be reached, then ask again";
        return Ok(vec![warning("files", text, cure)]);
    };
    let findings = checks.into_iter().map(|check| match check.state {
        FilesState::Right => ok("files", check.finding),
        FilesState::Unknown { cure } => warning("files", check.finding, cure),
        FilesState::Wrong { cure } => error("files", check.finding, cure),
    });
    Ok(findings.collect())
}
