#!/usr/bin/env bash
# fuzz.sh [--minutes M]: what strangers send (webhooks and their signatures, answers of providers, stores and Vault, args, configuration,
# cron expressions, API and console, SMTP replies, what comes from Redis, rows of an outbox), nearly right and as noise, round after
# round until the time is over; 3 minutes unless said otherwise. Each round begins with other random numbers. An input that fails
# is written into fuzz-corpus.txt of its crate, and is tried first from then on. docs/reliability.md lists the doors.
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=3
while [ $# -gt 0 ]; do
    case "$1" in
    --minutes) minutes="${2:?--minutes needs a number}" && shift 2 ;;
    *) echo "unknown: $1; use --minutes M" >&2 && exit 2 ;;
    esac
done
# The crates whose tests named `fuzz` are cheap, and how many inputs each of those tries in a round.
crates=(api console cron email outbox payment-reconcile provider queue sms)
export LONGSHORE_FUZZ_CASES=4000
# The same crates each time: with others, what all of them use would be built again.
all=(--package longshore --package longshore-storage)
for crate in "${crates[@]}"; do all+=(--package "longshore-$crate"); done
cargo test --quiet --no-run "${all[@]}" --lib --test config --test storage
end=$((SECONDS + minutes * 60))
rounds=0
while [ "$rounds" = 0 ] || [ "$SECONDS" -lt "$end" ]; do
    cargo test --quiet "${all[@]}" --lib fuzz >target/fuzz.log 2>&1 || { cat target/fuzz.log && exit 1; }
    # An answer is a request over HTTP, and a configuration is a file.
    LONGSHORE_FUZZ_CASES=400 cargo test --quiet "${all[@]}" --test config --test storage fuzz >target/fuzz.log 2>&1 ||
        { cat target/fuzz.log && exit 1; }
    rounds=$((rounds + 1))
done
echo "$rounds rounds: $((rounds * LONGSHORE_FUZZ_CASES)) inputs for each of the cheap targets, $((rounds * 400)) for answers, args and configuration; nothing failed"
