#!/usr/bin/env bash
# run.sh [FILE…]: one small change at a time to the code that decides, to see whether a test notices: Lua scripts (scripts.py) and Rust
# (cargo-mutants, with what rust.toml says); all of both, or those of the files named. What happened to each is in target/mutants.
set -euo pipefail
cd "$(dirname "$0")/../.."
export CARGO_INCREMENTAL=0
version=27.1.0
scripts=() rust=()
for file in "$@"; do
    case $file in
    *.lua) scripts+=("$file") ;;
    crates/*.rs) rust+=("$file") ;;
    *) echo "$file: neither a script nor Rust" >&2 && exit 2 ;;
    esac
done
# What becomes of a job and what a key stands for; what an answer means and what is taken out of texts; whose requests are taken, and
# how ours are signed.
if [ $# = 0 ]; then
    rust=(crates/queue/src/{decide,decide/report,decide/run,key}.rs crates/provider/src/{answers,retry_after,redact}.rs
        crates/{email,sms,payment-reconcile}/src/webhook/signature.rs crates/email/src/webhook/key.rs
        crates/payment-reconcile/src/app/signature.rs crates/events/src/signature.rs)
fi
failed=0
if [ $# = 0 ] || [ ${#scripts[@]} != 0 ]; then
    python3 tests/mutants/scripts.py "${scripts[@]}" || failed=1
fi
if [ ${#rust[@]} != 0 ]; then
    cargo mutants --version 2>/dev/null | grep -qF " $version" || cargo install --quiet --locked cargo-mutants --version "$version"
    # The copies that it mutates build into one place, so that other people's crates are built once.
    export CARGO_TARGET_DIR="$PWD/target/mutants/cargo"
    # Crate by crate, as their own tests are built.
    for crate in $(printf '%s\n' "${rust[@]}" | cut -d/ -f2 | sort -u); do
        files=()
        for file in "${rust[@]}"; do [[ $file != crates/$crate/* ]] || files+=(--file "$file"); done
        mkdir -p "target/mutants/$crate"
        cargo mutants --config tests/mutants/rust.toml --package "longshore-$crate" "${files[@]}" --output "target/mutants/$crate" \
            --no-shuffle --colors never || failed=1
    done
fi
exit $failed
