# Every recipe a person needs; CI calls the same ones. `just` lists them.

set shell := ["bash", "-euo", "pipefail", "-c"]

# Lists the recipes
default:
    @just --list

# Installs what is missing on this machine, by the platform's package manager, and says so
setup:
    @./deploy/setup.sh

# Shows the whole thing at work: a private Redis, the stand-in providers, workers as processes
demo: setup
    cargo build --quiet --profile quick --package longshore
    ./target/quick/longshore demo

# Every test, on real Redis servers that the tests start and stop themselves
test: setup
    cargo test --workspace --quiet

# What stock apalis-redis does to jobs, beside ours in the same trial
evidence: setup
    cargo test --manifest-path bench/Cargo.toml --quiet -- --nocapture

# A first look at speed: ratios within one run mean something
sanity: setup
    cargo run --quiet --profile quick --package longshore-worker --example sanity

# Runs the stand-in providers on the ports that config/local.toml names
sandbox *ARGS:
    cargo run --quiet --package longshore -- sandbox {{ARGS}}

# Runs workers against the local Redis and the stand-in providers
work *ARGS:
    cargo run --quiet --package longshore -- --profile local work {{ARGS}}

# Formats everything
fmt:
    cargo fmt --all
    cargo fmt --manifest-path bench/Cargo.toml

# Checks the format
fmt-check:
    cargo fmt --all --check
    cargo fmt --manifest-path bench/Cargo.toml --check

# Lints, warnings denied
lint:
    cargo clippy --workspace --all-targets --quiet -- -D warnings
    cargo clippy --manifest-path bench/Cargo.toml --all-targets --quiet -- -D warnings

# Builds the documentation, warnings denied
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

# Checks dependencies: bans, licences and sources; needs no network
audit:
    @command -v cargo-deny >/dev/null || cargo install cargo-deny --locked --version 0.20.2
    cargo fetch --locked --quiet
    cargo deny --offline --log-level error check bans licenses sources

# Known vulnerabilities; fetches the advisory database
advisories:
    @command -v cargo-deny >/dev/null || cargo install cargo-deny --locked --version 0.20.2
    cargo deny check advisories

# Everything that has to pass before a change lands
ci: setup fmt-check lint doc audit test
