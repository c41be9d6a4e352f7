#!/usr/bin/env bash
# Installs what the programs of docs/wire-form.md import, into target/languages: from PyPI and npm at fixed versions. Does nothing
# where it is there already. Needs python3, and Node 20 or later with npm.
set -euo pipefail
cd "$(dirname "$0")/../.."
./deploy/setup.sh python3 node

there="$(node --version | sed 's/^v\([0-9]*\).*/\1/')"
[ "$there" -ge 20 ] || { echo "Node $there is installed; the npm packages of the check need Node 20 or later" >&2; exit 1; }

dir=target/languages
wanted="$(cat tests/languages/requirements.lock tests/languages/package-lock.json; python3 --version) 1"
[ "$(cat "$dir/installed" 2>/dev/null)" = "$wanted" ] && exit 0
echo "installing Redis clients for Python and Node into $dir" >&2
rm -rf "$dir/python" "$dir/wire"
mkdir -p "$dir/wire"
python3 -m venv "$dir/python"
"$dir/python/bin/pip" --quiet --disable-pip-version-check --retries 5 install --no-deps --requirement tests/languages/requirements.lock
cp tests/languages/package.json tests/languages/package-lock.json "$dir/wire"
npm ci --silent --no-audit --no-fund --ignore-scripts --prefix "$dir/wire"
echo "$wanted" >"$dir/installed"
