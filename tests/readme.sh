#!/usr/bin/env bash
# The first job of the README as a reader pastes it: it is built beside a clone, its test passes, and its job arrives in a Redis.
# `just readme` runs it.
set -euo pipefail
house="$(cd "$(dirname "$0")/.." && pwd)"
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT
mkdir -p "$place/first-job/src"
ln -s "$house" "$place/longshore"

# The first block of the README in this language.
block() {
    awk -v begin="\`\`\`$1" '$0 == "```" && inside { exit } inside { print } $0 == begin { inside = 1 }' "$house/README.md"
}
block toml >"$place/first-job/Cargo.toml"
block rust >"$place/first-job/src/main.rs"
# Versions as they are tested here; nothing is downloaded.
cp "$house/Cargo.lock" "$place/first-job/Cargo.lock"

cd "$place/first-job"
export CARGO_TARGET_DIR="$house/target/readme" CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0
cargo test --offline --quiet
cargo build --offline --quiet

port="$((20000 + RANDOM % 10000))"
redis-server --port "$port" --save '' --daemonize yes --dir "$place" --logfile "$place/redis.log" >/dev/null
trap 'redis-cli -p "$port" shutdown nosave; rm -rf "$place"' EXIT
until redis-cli -p "$port" ping >/dev/null 2>&1; do :; done
said="$("$CARGO_TARGET_DIR/debug/first-job" "redis://127.0.0.1:$port")"
echo "$said"
grep -Eq '^accepted: [0-9A-Z]{26}$' <<<"$said"
waiting="$(redis-cli -p "$port" lrange '{longshore:email}:active' 0 -1)"
if [ "accepted: $waiting" != "$said" ]; then
    echo "the job does not wait in its queue: $waiting" >&2
    exit 1
fi
