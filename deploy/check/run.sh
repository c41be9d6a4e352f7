#!/usr/bin/env bash
# Checks what deploy/ holds, by tools that were not written here: `run.sh [NAME]...`, all unless some are named. Needs the
# binary (target/debug/longshore, or LONGSHORE_BINARY).
set -euo pipefail
cd "$(dirname "$0")/../.."

all=(dockerfile compose kubernetes systemd alerts)
[ $# = 0 ] || all=("$@")
./deploy/check/tools.sh
python=target/deploy-check/venv/bin/python

dockerfile() {
    target/deploy-check/venv/bin/hadolint --no-color \
        --require-label org.opencontainers.image.version:text --require-label org.opencontainers.image.revision:text \
        --require-label org.opencontainers.image.source:text --require-label org.opencontainers.image.licenses:text \
        deploy/Dockerfile || return
    echo "dockerfile: hadolint has nothing to say"
}

failed=0
for what in "${all[@]}"; do
    case "$what" in
        dockerfile) dockerfile ;;
        compose | kubernetes | alerts) "$python" "deploy/check/$what.py" ;;
        systemd) "$python" deploy/check/units.py ;;
        *) echo "deploy/check/run.sh does not know $what" >&2; exit 2 ;;
    esac || failed=1
done
exit "$failed"
