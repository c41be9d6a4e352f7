//! Enqueues an email and says what became of it: `cargo run -p longshore-client --example enqueue -- redis://127.0.0.1:6379`.

use std::time::Duration;

use longshore_client::kinds::SendEmail;
use longshore_client::{Client, ClientError};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), ClientError> {
    let url = std::env::args().nth(1);
    let client = Client::new(url.as_deref().unwrap_or("redis://127.0.0.1:6379"))?;
    let job = SendEmail::new("welcome", "ada@example.com")
        .name("Ada")
        .data(json!({ "firstName": "Ada" }));
    match client.enqueue_and_wait(job, Duration::from_secs(5)).await {
        Ok(status) => println!("{} is {}", status.id, status.state),
        Err(ClientError::StillRunning { id, .. }) => println!("{id} goes on: is a worker running?"),
        Err(error) => return Err(error),
    }
    Ok(())
}
