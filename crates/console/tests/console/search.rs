//! One box for all: what it leads to, and who looked for a person.

use axum::http::StatusCode;
use longshore_queue::RunAt;

use crate::bench::{Bench, Browser};
use crate::pages::enqueue;

#[tokio::test]
async fn search_leads_to_an_address_unless_it_is_for_a_person() {
    let bench = Bench::new();
    let id = enqueue(&bench, "spring", RunAt::Now).await;
    let router = bench.console().router();
    let mut vic = Browser::of(&router, "", "vic").await;
    let form = vic.form("/", "/search").await;
    let sent = vic.send("/search", &form, &[("q", &id)]).await;
    assert_eq!(sent.location(), format!("/search?q={id}"));
    let found = vic.get(sent.location()).await;
    assert_eq!(found.location(), format!("/jobs/{id}"));
    let by_tag = vic.get("/search?q=spring").await.text;
    assert!(by_tag.contains(&id), "{by_tag}");

    let person = vic.send("/search", &form, &[("q", "+47 900 00 000")]).await;
    assert_eq!(person.status, StatusCode::OK);
    assert!(
        person.text.contains(&id) && !person.text.contains("4790000000"),
        "{}",
        person.text
    );
    let nobody = vic
        .send("/search", &form, &[("q", "ada@example.com")])
        .await;
    assert!(!nobody.text.contains(&id));
    let wrong = vic.send("/search", &form, &[("q", "a@b@<script>")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        !wrong.text.contains("a@b"),
        "what was typed is not said again"
    );

    let audit = bench.operator.audit(None, None, 10).await.expect("reads");
    let told: Vec<_> = audit.iter().map(|row| (&*row.action, &*row.by)).collect();
    assert_eq!(told, [("search", "console: vic"); 2]);
    let results = audit.iter().map(|row| row.result.as_deref());
    assert_eq!(results.collect::<Vec<_>>(), [Some("1 job"), Some("0 jobs")]);
    let whole = serde_json::to_string(&audit).expect("it is JSON");
    assert!(
        !whole.contains("90000") && !whole.contains("example.com"),
        "{whole}"
    );
}

#[tokio::test]
async fn a_queue_says_whose_jobs_wait_and_leads_to_them() {
    let bench = Bench::new();
    for label in ["acme", "globex"] {
        enqueue(&bench, label, RunAt::Now).await;
    }
    let router = bench.console().router();
    let mut vic = Browser::of(&router, "", "vic").await;
    let page = vic.get("/queues/sms").await.text;
    assert!(page.contains("Tenants with the most waiting"), "{page}");
    let list = "/queues/sms?state=pending&amp;tenant=acme";
    assert!(page.contains(&format!("href=\"{list}\"")), "{page}");
    assert!(page.contains("50.0 %"), "{page}");
}
