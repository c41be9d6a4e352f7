#!/usr/bin/env bash
# Installs what the stories of the console need into target/console: from npm at fixed versions. Does nothing where it is there
# already. Needs Chromium, and Node 20.19 or later with npm.
set -euo pipefail
cd "$(dirname "$0")/../.."
./deploy/setup.sh node chromium

there="$(node --version | sed 's/^v\([0-9]*\).*/\1/')"
[ "$there" -ge 20 ] || { echo "Node $there is installed; the stories of the console need Node 20.19 or later" >&2; exit 1; }

dir=target/console
wanted="$(cat tests/console/package-lock.json; node --version)"
[ "$(cat "$dir/installed" 2>/dev/null)" = "$wanted" ] && exit 0
echo "installing a browser's driver, axe and html-validate into $dir" >&2
rm -rf "$dir"
mkdir -p "$dir"
cp tests/console/package.json tests/console/package-lock.json "$dir"
npm ci --loglevel=error --no-audit --no-fund --ignore-scripts --prefix "$dir"
echo "$wanted" >"$dir/installed"
