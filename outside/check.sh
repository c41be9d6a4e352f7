#!/usr/bin/env bash
# Tests this program as a template. It is copied without `slack`; then it gets a provider that is made of `slack` under another
# name, and its tests run. That takes one new crate, one line of `main`, and in Cargo.toml the lines that name the crate and
# its stand-in: whatever differs besides fails. `just outside` runs it, after `just tarballs`.
set -euo pipefail
outside="$(cd "$(dirname "$0")" && pwd)"
house="$(dirname "$outside")"
copies="$house/target/outside"
renamed=(-e 's/slack/acme/g' -e 's/Slack/Acme/g' -e 's/SLACK/ACME/g')

# Writes nothing in place: no two seds agree on how.
edit() {
    local file="$1"
    shift
    sed "$@" "$file" >"$file.new"
    mv "$file.new" "$file"
}

rm -rf "$copies"
mkdir -p "$copies/before"
cp -R "$outside/Cargo.toml" "$outside/Cargo.lock" "$outside/harbour" "$copies/before"
cd "$copies/before"
edit Cargo.toml "s|\"\.\./target/|\"$house/target/|"
edit harbour/Cargo.toml -e 's|"harbour-[a-z]*/sandbox",* *||g' -e '/^harbour-/d'
edit harbour/src/main.rs '/harbour_/d'
# Progress is for whoever watches: a log gets none.
quietly=()
[ -t 2 ] || quietly=(--quiet)
cargo build "${quietly[@]+"${quietly[@]}"}" --bin harbour
kinds="$(cargo run --quiet --bin harbour -- kinds --json)"
if [ "$kinds" != '[]' ]; then
    echo "a program without integrations knows these kinds: $kinds" >&2
    exit 1
fi

# Its payments are there before and after.
cp -R "$outside/testpay" .
for file in harbour/Cargo.toml harbour/src/main.rs; do cp "$outside/$file" "$file"; done
edit harbour/Cargo.toml -e 's|"harbour-slack/sandbox", ||' -e '/^harbour-slack/d'
edit harbour/src/main.rs '/harbour_slack/d'
cp -R "$copies/before" "$copies/after"
cd "$copies/after"
cp -R "$outside/slack" acme
find acme -type f | while read -r file; do edit "$file" "${renamed[@]}"; done
find acme -type f -name '*slack*' | while read -r file; do mv "$file" "$(sed "${renamed[@]}" <<<"$file")"; done
for file in harbour/Cargo.toml harbour/src/main.rs harbour/tests/harbour.rs; do
    sed "${renamed[@]}" "$outside/$file" >"$file"
done
differs="$(diff -r --exclude=tests "$copies/before" "$copies/after" || true)"
echo "What a provider of one's own takes:"
echo "$differs"
new="$(grep -c '^Only in' <<<"$differs" || true)"
added="$(grep -c '^>' <<<"$differs" || true)"
gone="$(grep -c '^<' <<<"$differs" || true)"
if [ "$new $added $gone" != '1 3 1' ]; then
    echo "it should be one new crate, one line of main and two of Cargo.toml" >&2
    exit 1
fi
cargo test "${quietly[@]+"${quietly[@]}"}" --no-run
cargo test --quiet
