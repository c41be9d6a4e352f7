#!/usr/bin/env bash
# Our client of S3 against moto, an S3 from PyPI that is not ours, at fixed versions in target/moto. Needs python3.
set -euo pipefail
cd "$(dirname "$0")/.."
./deploy/setup.sh python3

dir=target/moto
wanted="$(cat tests/moto.lock; python3 --version)"
if [ "$(cat "$dir/installed" 2>/dev/null)" != "$wanted" ]; then
    echo "installing moto into $dir" >&2
    rm -rf "$dir"
    python3 -m venv "$dir"
    "$dir/bin/pip" --quiet --disable-pip-version-check --retries 5 install --no-deps --requirement tests/moto.lock
    echo "$wanted" >"$dir/installed"
fi

# Built before the server is there, so that what is measured by its patience is the server alone.
cargo test --quiet --package longshore-storage --test storage --no-run
port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
"$dir/bin/moto_server" --host 127.0.0.1 --port "$port" >"$dir/server.log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
for _ in $(seq 300); do
    curl --silent --output /dev/null "http://127.0.0.1:$port/moto-api/" && break
    kill -0 "$server" 2>/dev/null || { cat "$dir/server.log" >&2; exit 1; }
    sleep 0.1
done
LONGSHORE_MOTO="http://127.0.0.1:$port" cargo test --quiet --package longshore-storage --test storage -- --ignored moto::
