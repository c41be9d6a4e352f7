//! Code on the pages is code that runs: each block stands in a file of `examples/` or `outside/`.

use super::root;

/// The pages, how many blocks each has, and the files that they are quoted from.
const PAGES: &[(&str, usize, &[&str])] = &[
    (
        "docs/another-payment-provider.md",
        7,
        &[
            "outside/testpay/Cargo.toml",
            "outside/testpay/src/client.rs",
            "outside/testpay/src/integration.rs",
            "outside/testpay/src/provider.rs",
            "outside/testpay/src/records.rs",
        ],
    ),
    ("docs/outages.md", 1, &["examples/shop/src/lib.rs"]),
    (
        "docs/testing.md",
        5,
        &["examples/shop/tests/shop.rs", "outside/slack/src/tests.rs"],
    ),
    (
        "docs/your-first-job.md",
        4,
        &[
            "examples/shop/src/error.rs",
            "examples/shop/src/lib.rs",
            "examples/shop/src/orders.rs",
            "examples/shop/src/users.rs",
        ],
    ),
    (
        "docs/other-languages.md",
        12,
        &[
            "examples/node/src/app.module.ts",
            "examples/node/src/events.ts",
            "examples/node/src/jobs.ts",
            "examples/node/src/services/email.service.ts",
            "examples/node/src/services/payment.service.ts",
            "examples/node/test/email.service.test.ts",
            "examples/node/test/mock-jobs.ts",
            "examples/producer.rs",
            "examples/python/longshore.py",
            "examples/python/pay.py",
            "examples/python/refused.py",
            "examples/python/welcome.py",
        ],
    ),
    (
        "docs/your-own-provider.md",
        10,
        &[
            "outside/Cargo.toml",
            "outside/harbour/src/main.rs",
            "outside/harbour/tests/harbour.rs",
            "outside/slack/Cargo.toml",
            "outside/slack/src/args.rs",
            "outside/slack/src/client.rs",
            "outside/slack/src/integration.rs",
            "outside/slack/src/sandbox.rs",
            "outside/slack/src/settings.rs",
        ],
    ),
];

/// The blocks of a page: what stands between three backticks with a language, and the next three.
fn blocks(page: &str) -> Vec<&str> {
    let fenced = page.split("```").skip(1).step_by(2);
    fenced
        .filter_map(|block| block.split_once('\n'))
        .map(|(_, text)| text)
        .collect()
}

/// Whether all parts of a block stand in a file, in their order. A line `// …` or `# …` divides them.
fn quotes(block: &str, file: &str) -> bool {
    let mut parts = vec![String::new()];
    for line in block.lines() {
        match (line.trim(), parts.last_mut()) {
            ("// …" | "# …", _) => parts.push(String::new()),
            (_, Some(part)) => *part += &format!("{line}\n"),
            (_, None) => {}
        }
    }
    let mut rest = file;
    parts.iter().all(|part| match rest.find(part.as_str()) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

#[test]
fn pages_quote_code_that_runs() {
    let read = |file: &str| std::fs::read_to_string(root().join(file)).expect(file);
    let mut gone = Vec::new();
    for (page, count, files) in PAGES {
        let text = read(page);
        let blocks = blocks(&text);
        assert_eq!(blocks.len(), *count, "{page}");
        let files: Vec<_> = files.iter().map(|file| read(file)).collect();
        for block in blocks {
            if !files.iter().any(|file| quotes(block, file)) {
                gone.push(format!("{page}:\n{block}"));
            }
        }
    }
    assert!(gone.is_empty(), "not there any more:\n{}", gone.join("\n"));
}
