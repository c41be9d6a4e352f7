//! The pages, one file each, and the table of all that the console answers.

use axum::routing::{get, post};

use crate::assets;
use crate::content::PageError;
use crate::live::Parts;
use crate::route::Route;
use crate::shared::Shared;

pub(crate) mod audit;
pub(crate) mod causes;
pub(crate) mod cron;
pub(crate) mod discard;
pub(crate) mod export;
pub(crate) mod forget;
pub(crate) mod fresh;
pub(crate) mod job;
pub(crate) mod job_acts;
pub(crate) mod job_edit;
pub(crate) mod job_place;
pub(crate) mod letters;
pub(crate) mod login;
pub(crate) mod operations;
pub(crate) mod overview;
pub(crate) mod queue;
pub(crate) mod queue_acts;
pub(crate) mod queue_reschedule;
pub(crate) mod replay;
pub(crate) mod search;
pub(crate) mod shortcuts;
pub(crate) mod stream;
pub(crate) mod suppressions;
pub(crate) mod switch;
pub(crate) mod workers;

/// What may be reached without a login.
pub(crate) const OPEN: &[&str] = &["/login", "/theme"];

/// What a viewer may send: all else that is sent takes an operator.
pub(crate) const SENT_BY_VIEWERS: &[&str] = &["/login", "/logout", "/theme", "/search"];

/// All that the console answers. What is not here does not exist.
pub(crate) fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::page("/assets/{name}", get(assets::serve)),
        Route::act("/login", get(login::show).post(login::log_in)),
        Route::sent("/logout", post(login::log_out)),
        Route::sent("/theme", post(switch::theme)),
        Route::page("/live", get(stream::live)),
        Route::page("/shortcuts", get(shortcuts::show)),
    ];
    routes.extend(overview::routes());
    routes.extend(queue::routes());
    routes.extend(queue_acts::routes());
    routes.extend(queue_reschedule::routes());
    routes.extend(job::routes());
    routes.extend(job_acts::routes());
    routes.extend(job_edit::routes());
    routes.extend(causes::routes());
    routes.extend(letters::routes());
    routes.extend(replay::routes());
    routes.extend(discard::routes());
    routes.extend(export::routes());
    routes.extend(operations::routes());
    routes.extend(workers::routes());
    routes.extend(cron::routes());
    routes.extend(audit::routes());
    routes.extend(suppressions::routes());
    routes.extend(forget::routes());
    routes.extend(search::routes());
    routes
}

/// What moves by itself, read anew. Names are those of `data-live` in pages.
pub(crate) async fn parts(shared: &Shared) -> Result<Parts, PageError> {
    let mut parts = operations::parts(shared).await?;
    parts.extend(overview::parts(shared).await?);
    Ok(parts)
}
