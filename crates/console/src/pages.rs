//! The pages, one file each, and the table of all that the console answers.

use axum::response::Response;
use axum::routing::{get, post};

use crate::assets;
use crate::content::{PageError, see_other};
use crate::live::Parts;
use crate::route::Route;
use crate::shared::Shared;
use crate::visit::Visit;

pub(crate) mod causes;
pub(crate) mod discard;
pub(crate) mod export;
pub(crate) mod letters;
pub(crate) mod login;
pub(crate) mod operations;
pub(crate) mod replay;
pub(crate) mod shortcuts;
pub(crate) mod stream;
pub(crate) mod switch;

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
        Route::page("/", get(first)),
        Route::page("/live", get(stream::live)),
        Route::page("/shortcuts", get(shortcuts::show)),
    ];
    routes.extend(causes::routes());
    routes.extend(letters::routes());
    routes.extend(replay::routes());
    routes.extend(discard::routes());
    routes.extend(export::routes());
    routes.extend(operations::routes());
    routes
}

/// `GET /`
async fn first(visit: Visit) -> Response {
    see_other(&visit.view.to("/dead"))
}

/// What moves by itself, read anew. Names are those of `data-live` in pages.
pub(crate) async fn parts(shared: &Shared) -> Result<Parts, PageError> {
    operations::parts(shared).await
}
