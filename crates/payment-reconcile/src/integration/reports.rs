//! Reports in files, wherever this program keeps files.

use std::sync::Arc;

use longshore_integration::{Files, NewFile};
use longshore_job::Run;

use crate::{ReportFile, ReportStore, Storing};

/// How many differences a report in a file holds: some 20 MB.
const ROWS: usize = 50_000;

/// Reports in files.
pub(super) struct Reports(pub(super) Arc<dyn Files>);

/// The result says where a file is. The same key on every attempt.
impl ReportStore for Reports {
    fn max_rows(&self) -> usize {
        ROWS
    }

    fn store<'a>(&'a self, run: &'a Run, file: ReportFile) -> Storing<'a> {
        let file = NewFile {
            key: format!("reconcile/{}/{}", run.id, file.name),
            content_type: file.content_type.to_owned(),
            body: file.body,
        };
        self.0.write(run, file)
    }
}
