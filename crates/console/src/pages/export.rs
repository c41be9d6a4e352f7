//! Exports the letters of a cause, as a file that the browser saves.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::unfold;
use longshore_job::JobId;
use longshore_operator::Signed;
use maud::html;

use crate::act::acts::Outcome;
use crate::act::carry_out::once;
use crate::act::noted;
use crate::components::act_form::{ActForm, act_form};
use crate::content::{Content, PageError};
use crate::foreign::Short;
use crate::form::Form;
use crate::number::counted;
use crate::pages::causes::path_of;
use crate::pages::letters::{crumbs, found};
use crate::pages::replay::target;
use crate::route::Route;
use crate::section::Section;
use crate::visit::Visit;

/// So many bytes are sent at a time.
const STEP: usize = 64 << 10;

pub(crate) fn routes() -> Vec<Route> {
    let handler = get(preview).post(export);
    vec![Route::act("/dead/{queue}/{group}/export", handler)]
}

/// `GET /dead/{queue}/{group}/export`
async fn preview(
    visit: Visit,
    Path((queue, group)): Path<(String, String)>,
) -> Result<Content, PageError> {
    let row = found(&visit.shared.operator, &queue, &group).await?;
    let view = &visit.view;
    let path = path_of(&queue, &group);
    let body = html! {
        (crumbs(view, &row))
        h1 { "Export dead letters" }
        p {
            (counted(row.count, "letter")) " of " strong { (Short(&row.reason, 200)) }
            " as JSON Lines. They stay where they are. The file holds " strong { "personal data" }
            ": the audit notes that you took it."
        }
        section class="sheet" {
            (act_form(view, &ActForm {
                action: &format!("{path}/export"),
                verb: &format!("Export {}", counted(row.count, "letter")),
                count: row.count,
                is_final: false,
                hidden: &[],
                questions: html! {},
                back: &path,
            }))
        }
    };
    Ok(Content::new(
        Section::DeadLetters,
        "Export dead letters",
        body,
    ))
}

/// A file that is gone when it was sent.
struct Exported(PathBuf);

impl Drop for Exported {
    fn drop(&mut self) {
        // What the system has lost is gone as well.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// `POST /dead/{queue}/{group}/export`
async fn export(
    visit: Visit,
    Path((queue, group)): Path<(String, String)>,
    form: Form,
) -> Result<Response, PageError> {
    let signed = visit.who.signed(form.reason()?);
    form.check_number(&visit.view)?;
    let (operator, once) = (&visit.shared.operator, once(&form)?);
    if noted::begin(operator, once).await?.is_some() {
        return Err(PageError::Conflict(
            "This form was sent before: the file went to whoever sent it. For another, open the page again.".to_owned(),
        ));
    }
    let exported = exported(&visit, &queue, &group, &signed).await;
    let sent = Outcome::done(path_of(&queue, &group), "The file was sent.");
    noted::end(
        operator,
        once,
        &exported.as_ref().map(|_| sent).map_err(PageError::clone),
    )
    .await;
    exported
}

/// The file, as an answer that sends it.
async fn exported(
    visit: &Visit,
    queue: &str,
    group: &str,
    signed: &Signed,
) -> Result<Response, PageError> {
    let name = format!("longshore-export-{}.jsonl", JobId::generate());
    let file = Exported(std::env::temp_dir().join(name));
    let (operator, target) = (&visit.shared.operator, target(queue, group, None));
    operator.export(&target, &file.0, signed, |_| {}).await?;
    let failed = |error: std::io::Error| PageError::Failed(format!("The export was lost: {error}"));
    let open = File::open(&file.0).map_err(failed)?;
    // Whoever has it open can read it to its end.
    drop(file);
    let chunks = unfold(open, |mut open| async move {
        let read = tokio::task::spawn_blocking(move || {
            let mut chunk = vec![0; STEP];
            let count = open.read(&mut chunk)?;
            chunk.truncate(count);
            Ok::<_, std::io::Error>((chunk, open))
        });
        match read.await {
            Ok(Ok((chunk, _))) if chunk.is_empty() => None,
            Ok(Ok((chunk, open))) => Some((Ok::<_, std::io::Error>(chunk), open)),
            // The connection ends before the file does, so that nobody takes it for whole.
            _ => None,
        }
    });
    let safe: String = queue
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect();
    let name = format!(
        "attachment; filename=\"dead-{safe}-{}.jsonl\"",
        visit.view.now.as_second()
    );
    Ok((
        [
            (CONTENT_TYPE, "application/x-ndjson".to_owned()),
            (CONTENT_DISPOSITION, name),
        ],
        Body::from_stream(chunks),
    )
        .into_response())
}
