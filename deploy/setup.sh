#!/usr/bin/env bash
# Installs what Longshore's recipes need and this machine lacks, by its package manager. Says what it does; does nothing
# where everything is there.
set -euo pipefail

missing=()
command -v redis-server >/dev/null || missing+=(redis)
command -v cc >/dev/null || missing+=(cc)
# Asked for by name: only some tests and checks need them.
for needed in "$@"; do
    case "$needed" in
        python3) python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3) ;;
        postgres)
            # Debian and Homebrew keep its programs out of the path.
            found="$(command -v initdb; ls -d /usr/lib/postgresql/*/bin/initdb /{usr/local,opt/homebrew}/opt/postgresql@*/bin/initdb 2>/dev/null)" || true
            [ -n "$found" ] || missing+=(postgres) ;;
        chromium) [ -x /usr/bin/chromium ] || [ -x "${LONGSHORE_CHROMIUM:-}" ] || missing+=(chromium) ;;
        node) { command -v node && command -v npm; } >/dev/null || missing+=(node) ;;
        *) echo "setup.sh does not know $needed" >&2; exit 2 ;;
    esac
done
[ -e /etc/ssl/certs/ca-certificates.crt ] || [ "$(uname)" = Darwin ] || [ -d /etc/pki ] || missing+=(ca-certificates)
[ ${#missing[@]} -eq 0 ] && exit 0

echo "missing on this machine: ${missing[*]}" >&2

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
        echo "this needs root, and there is no sudo; run it yourself: $*" >&2
        exit 1
    fi
}

if command -v apt-get >/dev/null; then
    packages=("${missing[@]/#redis/redis-server}")
    packages=("${packages[@]/#cc/gcc}")
    packages=("${packages[@]/#node/nodejs}")
    packages=("${packages[@]/#postgres/postgresql}")
    [[ " ${missing[*]} " == *" cc "* ]] && packages+=(libc6-dev)
    [[ " ${missing[*]} " == *" node "* ]] && packages+=(npm)
    [[ " ${missing[*]} " == *" python3 "* ]] && packages+=(python3-venv)
    echo "installing with apt-get: ${packages[*]}" >&2
    as_root apt-get update -qq
    # The tests start servers of their own; the distribution's service is not needed.
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${packages[@]}" >&2
elif command -v brew >/dev/null; then
    packages=("${missing[@]/#python3/python}")
    packages=("${packages[@]/#postgres/postgresql@17}")
    packages=("${packages[@]/#cc/gcc}")
    echo "installing with brew: ${packages[*]}" >&2
    brew install --quiet "${packages[@]}" >&2
elif command -v dnf >/dev/null; then
    packages=("${missing[@]/#cc/gcc}")
    packages=("${packages[@]/#node/nodejs}")
    packages=("${packages[@]/#postgres/postgresql-server}")
    echo "installing with dnf: ${packages[*]}" >&2
    as_root dnf install -y -q "${packages[@]}" >&2
else
    echo "there is no apt-get, brew or dnf here: install them yourself" >&2
    exit 1
fi
command -v redis-server >/dev/null || { echo "redis-server is still not there" >&2; exit 1; }
