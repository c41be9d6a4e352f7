//! Runs the shop. README.md says with what.

use std::env::{self, VarError};
use std::error::Error;

use shop::{AppState, Signatures};
use sqlx::PgPool;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let set = |name: &str| env::var(name).map_err(|_: VarError| format!("{name} is not set"));
    let signatures = Signatures::new(&set("EVENTS_SECRET")?);
    let app = AppState {
        db: PgPool::connect(&set("DATABASE_URL")?).await?,
        jobs: shop::client(&set("REDIS_URL")?)?,
        signatures: signatures.map_err(|_| "EVENTS_SECRET is not of the form whsec_<base64>")?,
    };
    shop::migrate(&app.db).await?;
    let addr = set("SHOP_ADDR").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(addr).await?;
    println!("the shop is at http://{}", listener.local_addr()?);
    axum::serve(listener, shop::router(app)).await?;
    Ok(())
}
