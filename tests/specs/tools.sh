#!/usr/bin/env bash
# Installs what `just api-specs` needs into target/specs, at fixed versions: from npm the specifications and steady, which checks requests
# against them; from PyPI localstripe, in a virtual environment. Does nothing where it is there already.
set -euo pipefail
cd "$(dirname "$0")/../.."
./deploy/setup.sh python3 node

dir=target/specs
wanted="$(cat tests/specs/requirements.lock tests/specs/package-lock.json tests/specs/tools.sh; python3 --version; node --version)"
[ "$(cat "$dir/installed" 2>/dev/null)" = "$wanted" ] && exit 0
echo "installing the providers' specifications into $dir" >&2
rm -rf "$dir"
mkdir -p "$dir"
python3 -m venv "$dir/python"
"$dir/python/bin/pip" --quiet --disable-pip-version-check --retries 5 install --no-deps --requirement tests/specs/requirements.lock
cp tests/specs/package.json tests/specs/package-lock.json "$dir"
npm ci --loglevel=error --no-audit --no-fund --ignore-scripts --prefix "$dir"
# Of this package only the specifications are wanted, and none of what it depends on.
(cd "$dir" && npm pack --silent @twilio-alpha/mcp@0.7.0 >/dev/null && mkdir twilio &&
    tar -xzf twilio-alpha-mcp-0.7.0.tgz -C twilio package/twilio-oai/spec/json/twilio_api_v2010.json && rm twilio-alpha-mcp-0.7.0.tgz)
echo "$wanted" >"$dir/installed"
