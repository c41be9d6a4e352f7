#!/usr/bin/env bash
# Installs what the programs of docs/wire-form.md and examples/node import, into target/languages: from PyPI and npm at fixed versions. Does nothing
# where it is there already. Needs python3, and Node 20 or later with npm.
set -euo pipefail
cd "$(dirname "$0")/../.."
./deploy/setup.sh python3 node

there="$(node --version | sed 's/^v\([0-9]*\).*/\1/')"
[ "$there" -ge 20 ] || { echo "Node $there is installed; the npm packages of the check need Node 20 or later" >&2; exit 1; }

dir=target/languages
node_app=examples/node
wanted="$(cat tests/languages/requirements.lock tests/languages/package-lock.json $node_app/package-lock.json; python3 --version; node --version)"
[ "$(cat "$dir/installed" 2>/dev/null)" = "$wanted" ] && exit 0
echo "installing Redis clients for Python and Node, and what examples/node needs, into $dir" >&2
rm -rf "$dir"
mkdir -p "$dir/wire" "$dir/$node_app"
python3 -m venv "$dir/python"
"$dir/python/bin/pip" --quiet --disable-pip-version-check --retries 5 install --no-deps --requirement tests/languages/requirements.lock
cp tests/languages/package.json tests/languages/package-lock.json "$dir/wire"
cp $node_app/package.json $node_app/package-lock.json "$dir/$node_app"
for place in wire $node_app; do
    npm ci --loglevel=error --no-audit --no-fund --ignore-scripts --prefix "$dir/$place"
done
echo "$wanted" >"$dir/installed"
