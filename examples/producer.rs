//! A producer over TLS: it enqueues a mail, waits for it, and takes another one back.
//!
//! It needs a Redis and workers: `REDIS_URL` is `rediss://USER:PASSWORD@HOST:PORT`, and `REDIS_CA` the file of an authority of your own.

use std::time::Duration;

use longshore_client::kinds::SendEmail;
use longshore_client::{Address, Client, ClientError, TlsFiles};

#[tokio::main]
async fn main() -> Result<(), ClientError> {
    let url = std::env::var("REDIS_URL").unwrap_or_default();
    let authority = TlsFiles {
        ca: std::env::var_os("REDIS_CA").map(Into::into),
        ..TlsFiles::default()
    };
    let jobs = Client::connect(Address::new(url).with_tls(authority), "longshore")?;
    let mail = || SendEmail::new("welcome", "bo@example.com");

    // Enqueue. Called again with the same key, it answers with the same job.
    let id = jobs.enqueue(mail()).key("welcome-bo").await?;

    // Wait for its end, 20 s at most.
    let job = jobs.wait(id, Duration::from_secs(20)).await?;
    println!("{}", job.state);

    // Take one back that waits for its time.
    let later = jobs
        .enqueue(mail())
        .delay(Duration::from_secs(3600))
        .await?;
    jobs.cancel(later, "no longer wanted").await?;
    let job = jobs.status(later).await?;
    println!(
        "{}",
        job.map_or("gone".to_owned(), |job| job.state.to_string())
    );
    Ok(())
}
