//! Orders: each commits with the job that confirms it, or neither is there.

use axum::extract::{Json, Path, State};
use axum::http::StatusCode;
use longshore_client::JobId;
use longshore_client::kinds::SendEmail;
use longshore_outbox::{OutboxError, Transaction};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::AppState;
use crate::error::Problem;

/// An order as the browser sends it.
#[derive(Debug, Deserialize)]
pub struct NewOrder {
    /// Made by the browser, so that a repeated request is the same order.
    pub id: String,
    /// Who is sent the confirmation.
    pub email: String,
    /// How many.
    pub pieces: i32,
}

/// The order and its job are in one transaction. Each `?` and each early return drops it, which rolls both back.
pub(crate) async fn place(
    State(app): State<AppState>,
    Json(order): Json<NewOrder>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.db.begin().await?;
    let mail = confirm(&mut tx, &order).await?;
    let insert = "INSERT INTO orders (id, email, pieces, mail_job) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING";
    let inserted = sqlx::query(insert)
        .bind(&order.id)
        .bind(&order.email)
        .bind(order.pieces)
        .bind(mail.to_string())
        .execute(&mut *tx)
        .await?;
    if inserted.rows_affected() == 0 {
        // It was placed before, and is confirmed by the job that committed with it.
        return Ok(StatusCode::OK);
    }
    tx.commit().await?;
    Ok(StatusCode::CREATED)
}

/// The job that confirms an order.
///
/// # Errors
/// When the order's address is none, or the database refuses the row.
pub async fn confirm<T: Transaction>(
    tx: &mut T,
    order: &NewOrder,
) -> Result<JobId, OutboxError<T::Error>> {
    let mail = SendEmail::new("order_confirmation", &order.email);
    let mail = mail.data(json!({ "orderNumber": order.id, "pieces": order.pieces }));
    longshore_outbox::enqueue(tx, mail).tag("order").await
}

/// An order, with what the shop was told of its mail.
pub(crate) async fn show(
    State(app): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let select = "SELECT pieces, mail FROM orders WHERE id = $1";
    let order: Option<(i32, String)> = sqlx::query_as(select)
        .bind(&id)
        .fetch_optional(&app.db)
        .await?;
    let (pieces, mail) = order.ok_or(Problem::NotFound)?;
    Ok(Json(json!({ "id": id, "pieces": pieces, "mail": mail })))
}
