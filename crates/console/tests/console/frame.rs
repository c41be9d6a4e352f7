//! What every page has around it.

use std::io::Read;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, SET_COOKIE};
use longshore_console::Console;

use crate::bench::{Bench, Browser};

#[tokio::test]
async fn every_answer_says_what_a_browser_may_do_with_it() {
    let bench = Bench::new();
    bench.bury(2, "no", "no").await;
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let cause = bench.cause().await;
    for path in [
        "/dead",
        "/operations",
        "/shortcuts",
        "/login",
        "/nowhere",
        &cause,
    ] {
        let answer = ada.get(path).await;
        let policy = answer.headers[CONTENT_SECURITY_POLICY]
            .to_str()
            .expect("text");
        assert!(policy.starts_with("default-src 'none'"), "{path}");
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(answer.headers[CACHE_CONTROL], "no-store", "{path}");
        assert_eq!(
            answer.headers["x-content-type-options"], "nosniff",
            "{path}"
        );
        assert_eq!(answer.headers["referrer-policy"], "no-referrer", "{path}");
        for inline in ["<style", " style=", "javascript:", " onclick=", "<script>"] {
            assert!(!answer.text.contains(inline), "{path} has {inline}");
        }
    }
    let page = ada.get("/dead").await.text;
    for asset in assets(&page, "") {
        let answer = ada.get(&asset).await;
        assert_eq!(answer.status, StatusCode::OK, "{asset}");
        assert_eq!(
            answer.headers[CACHE_CONTROL],
            "public, max-age=31536000, immutable"
        );
        assert!(answer.headers.contains_key(CONTENT_SECURITY_POLICY));
    }
}

/// All files that a page asks for.
fn assets(page: &str, prefix: &str) -> Vec<String> {
    let begin = format!("\"{prefix}/assets/");
    let names = page.split(&begin).skip(1);
    let found: Vec<_> = names
        .filter_map(|rest| Some(format!("{prefix}/assets/{}", rest.split('"').next()?)))
        .collect();
    assert_eq!(found.len(), 3, "{found:?}");
    found
}

#[tokio::test]
async fn it_can_be_mounted_under_any_path() {
    let bench = Bench::new();
    bench.bury(2, "no", "no").await;
    let router = Router::new().nest("/ops/queue", bench.console().router());
    let mut ada = Browser::of(&router, "/ops/queue", "ada").await;
    let cause = bench.cause().await;
    for path in ["/dead", "/operations", &cause] {
        let answer = ada.get(&format!("/ops/queue{path}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        for attribute in ["href=\"/", "action=\"/", "src=\"/", "data-stream=\"/"] {
            for link in answer.text.split(attribute).skip(1) {
                assert!(
                    link.starts_with("ops/queue"),
                    "{path}: {attribute}{link:.60}"
                );
            }
        }
        assets(&answer.text, "/ops/queue");
    }
    let answer = Browser::new(&router).get("/ops/queue/dead").await;
    assert_eq!(answer.location(), "/ops/queue/login?to=%2Fdead");
}

/// What was compressed.
fn unpacked(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut decoder = flate2::read::GzDecoder::new(bytes);
    decoder.read_to_string(&mut text).expect("it is gzip");
    text
}

#[tokio::test]
async fn pages_and_files_are_compressed_for_our_own_pages_only() {
    let bench = Bench::new();
    bench.bury(30, "no", "no").await;
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let path = bench.cause().await;
    let plain = ada.get(&path).await;
    assert!(!plain.headers.contains_key(CONTENT_ENCODING));
    for asset in assets(&plain.text, "") {
        let whole = ada.get(&asset).await.text;
        ada.headers = vec![("accept-encoding", "gzip, br".to_owned())];
        let packed = ada.get(&asset).await;
        ada.headers.clear();
        assert_eq!(packed.headers[CONTENT_ENCODING], "gzip", "{asset}");
        assert_eq!(unpacked(&packed.bytes), whole, "{asset}");
    }
    let takes = |site: &str| {
        let site = ("sec-fetch-site", site.to_owned());
        vec![("accept-encoding", "gzip".to_owned()), site]
    };
    ada.headers = takes("none");
    let packed = ada.get(&path).await;
    assert_eq!(packed.headers[CONTENT_ENCODING], "gzip");
    assert!(unpacked(&packed.bytes).contains("</html>"));
    assert!(packed.bytes.len() < plain.bytes.len() / 3);
    // A form of it is sent as any other.
    let page = unpacked(&packed.bytes);
    let (_, token) = page.split_once("name=\"token\" value=\"").expect("a form");
    let (token, _) = token.split_once('"').expect("it ends");
    let form = [("token".to_owned(), token.to_owned())];
    ada.headers.clear();
    let answer = ada.send("/theme", &form, &[("theme", "dark")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    // Nobody else's page finds out by lengths what ours hold.
    for site in ["cross-site", "same-site"] {
        ada.headers = takes(site);
        let answer = ada.get(&path).await;
        assert!(!answer.headers.contains_key(CONTENT_ENCODING), "{site}");
    }
    // Nor does a page with personal data tell by its length whose.
    let (job, _) = plain
        .text
        .split_once("href=\"/jobs/")
        .expect("a job")
        .1
        .split_once('"')
        .expect("it ends");
    let reveal = format!("/jobs/{job}/reveal");
    ada.headers.clear();
    let form = ada.form(&reveal, &reveal).await;
    ada.headers = takes("same-origin");
    let answer = ada.send(&reveal, &form, &[("reason", "why")]).await;
    assert!(answer.text.contains("+4790000000"), "{}", answer.text);
    assert!(!answer.headers.contains_key(CONTENT_ENCODING));
}

#[tokio::test]
async fn behind_https_cookies_are_kept_for_it_alone() {
    let bench = Bench::new();
    let url = "https://ops.example/longshore";
    let console = bench.console().with_public_url(url).expect("it is one");
    let router = console.router();
    let mut browser = Browser::new(&router);
    let form = browser.form("/login", "/longshore/login").await;
    let fields = [("name", "ada"), ("password", crate::bench::PASSWORD)];
    let answer = browser.send("/login", &form, &fields).await;
    let cookie = answer.headers[SET_COOKIE].to_str().expect("text");
    for part in [
        "__Host-longshore_session=",
        "; Path=/;",
        "; HttpOnly",
        "; SameSite=Lax",
        "; Secure",
    ] {
        assert!(cookie.contains(part), "{cookie} lacks {part}");
    }
    assert_eq!(answer.location(), "/longshore/");
}

#[tokio::test]
async fn production_is_said_by_a_word() {
    let bench = Bench::new();
    let router = bench.console_in(Some("production")).router();
    let page = Browser::of(&router, "", "ada")
        .await
        .get("/dead")
        .await
        .text;
    assert!(page.contains("PRODUCTION"), "{page}");
}

#[tokio::test]
async fn while_redis_is_away_the_last_picture_stays_and_nothing_is_done() {
    let mut bench = Bench::new();
    bench.bury(2, "no", "no").await;
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let path = format!("{}/replay", bench.cause().await);
    let form = ada.form(&path, &path).await;
    ada.get("/dead").await;
    let mut other = Browser::of(&router, "", "ada").await;
    bench.redis.kill();
    let answer = other.get("/dead").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer.text.contains("Redis does not answer."),
        "{}",
        answer.text
    );
    assert!(answer.text.contains("refused: no"), "{}", answer.text);
    // The picture is nobody's: the forms on it are of who looks.
    let theirs = other.form("/dead", "/theme").await;
    let answer = other.send("/theme", &theirs, &[("theme", "dark")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let answer = ada.send("/theme", &theirs, &[("theme", "dark")]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let answer = ada.get("/operations").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let answer = ada.send(&path, &form, &[("reason", "because")]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        answer.text.contains("Nothing was changed."),
        "{}",
        answer.text
    );
    bench.redis.restart().expect("it comes back");
    longshore_tests::eventually("it is read again", async || {
        let answer = other.clone().get("/dead").await;
        !answer.text.contains("Redis does not answer.")
    })
    .await;
    // The same form may be sent again: it did nothing.
    let answer = ada.send(&path, &form, &[("reason", "because")]).await;
    assert!(answer.status != StatusCode::FORBIDDEN, "{}", answer.text);
}

#[tokio::test]
async fn the_colours_can_be_switched_without_a_script() {
    let bench = Bench::new();
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let form = ada.form("/shortcuts", "/theme").await;
    let answer = ada.send("/theme", &form, &[("theme", "dark")]).await;
    assert_eq!(answer.location(), "/shortcuts");
    let page = ada.get("/shortcuts").await.text;
    assert!(page.contains("data-theme=\"dark\""));
    let answer = ada.send("/theme", &form, &[("theme", "purple")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[test]
fn every_path_is_listed_once() {
    let mut paths: Vec<_> = Console::paths().into_iter().map(|(path, _)| path).collect();
    let count = paths.len();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), count);
}
