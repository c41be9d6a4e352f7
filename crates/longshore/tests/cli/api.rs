//! `api`: what it refuses to start with.

use std::net::TcpListener;

use super::{Bench, Ran};

const SHOP: (&str, &str) = ("LONGSHORE_API__TOKENS__SHOP__SECRET", "0123456789abcdef");

fn api(bench: &Bench, env: &[(&str, &str)]) -> Ran {
    let mut command = bench.command(&["api"]);
    // Whatever it refuses, no port of another test is taken.
    command.env("LONGSHORE_API__HTTP_ADDR", "127.0.0.1:0");
    command.env("LONGSHORE_API__PRIVATE_ADDR", "127.0.0.1:0");
    for (name, value) in env {
        command.env(name, value);
    }
    Ran::of(&["api"], &mut command)
}

#[test]
fn it_says_what_is_wrong_with_its_tokens() {
    let bench = Bench::new();
    api(&bench, &[]).fails(2, "no token is configured");
    for (env, told) in [
        (
            &[("LONGSHORE_API__TOKENS__SHOP__RATE_PER_SECOND", "7")][..],
            "api.tokens.shop.secret: is not set",
        ),
        (
            &[("LONGSHORE_API__TOKENS__SHOP__SECRET", "short")],
            "api.tokens.shop.secret: is shorter than 16 characters",
        ),
        (
            &[(
                "LONGSHORE_API__TOKENS__SHOP__SECRET",
                "env:LONGSHORE_TEST_NOT_SET",
            )],
            "api.tokens.shop.secret",
        ),
        (
            &[("LONGSHORE_API__TOKENS__SHOP__SECRET", "file:/nowhere/token")],
            "/nowhere/token",
        ),
        (
            &[SHOP, ("LONGSHORE_API__TOKENS__APP__SECRET", SHOP.1)],
            "is the same as that of the token",
        ),
        (
            &[
                SHOP,
                ("LONGSHORE_API__TOKENS__SHOP__KINDS", r#"["send_fax"]"#),
            ],
            "send_fax",
        ),
        (
            &[SHOP, ("LONGSHORE_API__TOKENS__SHOP__RATE_PER_SECOND", "0")],
            "api.tokens.shop.rate_per_second",
        ),
    ] {
        let ran = api(&bench, env).fails(2, told);
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!all.contains(SHOP.1), "a secret stays where it is: {all}");
    }
    // Both tokens are told of.
    let two = [
        ("LONGSHORE_API__TOKENS__APP__SECRET", "a"),
        ("LONGSHORE_API__TOKENS__SHOP__SECRET", "b"),
    ];
    let mut ran = api(&bench, &two);
    for key in ["api.tokens.app.secret", "api.tokens.shop.secret"] {
        ran = ran.fails(2, key);
    }
}

#[test]
fn it_says_where_it_cannot_listen_and_that_redis_is_away() {
    let bench = Bench::new();
    let away = ("LONGSHORE_REDIS__URL", "redis://127.0.0.1:1");
    api(&bench, &[SHOP, away]).fails(3, "127.0.0.1:1");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = taken.local_addr().expect("a port").to_string();
    for name in ["HTTP_ADDR", "PRIVATE_ADDR"] {
        let variable = format!("LONGSHORE_API__{name}");
        let ran = api(&bench, &[SHOP, (&*variable, &*addr)]);
        let key = name.to_lowercase();
        let says = format!("`api.{key}` ({variable}): cannot listen on {addr}");
        ran.fails(1, &says);
    }
    let nowhere = ("LONGSHORE_API__HTTP_ADDR", "127.0.0.1");
    api(&bench, &[SHOP, nowhere]).fails(2, "api.http_addr");
}
