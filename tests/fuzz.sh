#!/usr/bin/env bash
# fuzz.sh [--minutes M]: what strangers send (webhooks and their signatures, answers of providers, stores and Vault, configuration,
# cron expressions, API, SMTP replies, what comes from Redis), nearly right and as noise, round after
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
crates=(api cron email payment-reconcile provider queue sms)
export LONGSHORE_FUZZ_CASES=4000
libs=()
for crate in "${crates[@]}"; do libs+=(--package "longshore-$crate"); done
cargo test --quiet --no-run "${libs[@]}" --lib
cargo test --quiet --no-run --package longshore --test config
cargo test --quiet --no-run --package longshore-storage --test storage
end=$((SECONDS + minutes * 60))
rounds=0
while [ "$rounds" = 0 ] || [ "$SECONDS" -lt "$end" ]; do
    cargo test --quiet "${libs[@]}" --lib fuzz >target/fuzz.log 2>&1 || { cat target/fuzz.log && exit 1; }
    # An answer is a request over HTTP, and a configuration is a file.
    for of in "longshore --test config" "longshore-storage --test storage"; do
        # shellcheck disable=SC2086 # Three words.
        LONGSHORE_FUZZ_CASES=400 cargo test --quiet --package $of fuzz >target/fuzz.log 2>&1 || { cat target/fuzz.log && exit 1; }
    done
    rounds=$((rounds + 1))
done
echo "$rounds rounds: $((rounds * LONGSHORE_FUZZ_CASES)) inputs for each of the cheap targets, $((rounds * 400)) for answers and configuration; nothing failed"
