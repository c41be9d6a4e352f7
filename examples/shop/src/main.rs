//! Runs the shop on port 8080: `cargo run -p shop -- redis://127.0.0.1:6379`.

use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let redis = std::env::args().nth(1);
    let jobs = shop::client(redis.as_deref().unwrap_or("redis://127.0.0.1:6379"))?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    println!("the shop is at http://{}", listener.local_addr()?);
    axum::serve(listener, shop::router(jobs)).await?;
    Ok(())
}
