#!/usr/bin/env bash
# with-fleet.sh COMMAND…: runs the tests of an app in any language against a real fleet of its own: a Redis that keeps nothing, stand-ins for
# all providers, a worker and the HTTP API, with the profile `local`. They end with the command, and their logs lie in $FLEET_LOGS.
# Needs `longshore` and `redis-server` on the path. The ports are those of the profile, so one at a time on a machine.
set -euo pipefail
port="${FLEET_REDIS_PORT:-6390}"
logs="${FLEET_LOGS:-$(mktemp -d)}"
config="$(cd "$(dirname "$0")/../config" && pwd)"
export LONGSHORE_CONFIG="${LONGSHORE_CONFIG:-$config}" LONGSHORE_PROFILE=local LONGSHORE_REDIS__URL="redis://127.0.0.1:$port"
started=()
trap 'kill "${started[@]}" 2>/dev/null || true; wait' EXIT

start() {
    "$@" >"$logs/${1##*/}-${2##--}.log" 2>&1 &
    started+=($!)
}

# Fails where it has not answered in half a minute, or one of them has ended.
answers() {
    for _ in $(seq 150); do
        "$@" >/dev/null 2>&1 && return
        for one in "${started[@]}"; do kill -0 "$one" 2>/dev/null || break 2; done
        sleep 0.2
    done
    echo "with-fleet.sh: the fleet does not start: see $logs" >&2
    return 1
}

start redis-server --port "$port" --bind 127.0.0.1 --save '' --dir "$logs"
answers redis-cli -p "$port" ping
start longshore sandbox
start longshore work
start longshore api
answers longshore healthcheck work
answers longshore healthcheck api
export JOBS_URL=http://127.0.0.1:9468 JOBS_TOKEN=local-token-for-development
"$@"
