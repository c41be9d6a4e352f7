#!/usr/bin/env bash
# Builds the documentation's site into target/site/html, and checks its links. Installs mdBook, from PyPI at a fixed version, into target/mdbook.
set -euo pipefail
cd "$(dirname "$0")/../.."
./deploy/setup.sh python3

wanted="$(cat docs/site/requirements.lock; python3 --version)"
if [ "$(cat target/mdbook/installed 2>/dev/null)" != "$wanted" ]; then
    echo "installing mdBook into target/mdbook" >&2
    rm -rf target/mdbook
    python3 -m venv target/mdbook
    target/mdbook/bin/pip --quiet --disable-pip-version-check --retries 5 install --no-deps --requirement docs/site/requirements.lock
    echo "$wanted" >target/mdbook/installed
fi
python3 -B docs/site/build.py target/mdbook/bin/mdbook target/site
