#!/usr/bin/env bash
# The HTTP API by tools that were not written here: its document by openapi-spec-validator, and the binary by schemathesis, which
# makes requests out of the document, right ones and wrong ones, and compares every answer with it. Needs target/debug/longshore.
set -euo pipefail
cd "$(dirname "$0")/../.."

at=target/api-check
if ! cmp --silent tests/api/requirements.txt "$at/installed.txt"; then
    python3 -m venv "$at"
    "$at/bin/pip" install --quiet --disable-pip-version-check --requirement tests/api/requirements.txt
    cp tests/api/requirements.txt "$at/installed.txt"
fi
"$at/bin/openapi-spec-validator" docs/openapi.json

scratch="$(mktemp -d)"
pids=()
ended() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait
    rm -rf "$scratch"
}
trap ended EXIT
free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
redis="$(free)" api="$(free)"
redis-server --port "$redis" --bind 127.0.0.1 --dir "$scratch" --save "" >"$scratch/redis.log" &
pids+=($!)
for _ in $(seq 100); do redis-cli -p "$redis" ping >/dev/null 2>&1 && break; sleep 0.05; done
LONGSHORE_REDIS__URL="redis://127.0.0.1:$redis" LONGSHORE_CONFIG="$PWD/config" LONGSHORE_API__HTTP_ADDR="127.0.0.1:$api" \
    LONGSHORE_API__PRIVATE_ADDR=127.0.0.1:0 ./target/debug/longshore --profile local api 2>"$scratch/api.log" &
pids+=($!)
cd "$scratch"
root="$OLDPWD"
SCHEMATHESIS_HOOKS=hooks PYTHONPATH="$root/tests/api" "$root/$at/bin/st" --config-file "$root/tests/api/schemathesis.toml" run \
    "http://127.0.0.1:$api/openapi.json" --wait-for-schema 20 \
    --header "Authorization: Bearer local-token-for-development" --request-timeout 65 --phases examples,coverage,fuzzing
