#!/usr/bin/env bash
# Checks what deploy/ and .github/ hold, by tools that were not written here: `run.sh [NAME]...`, all unless some are named; `quick` is all
# but checkov, which takes half a minute to install, and units and page, which need root. Needs the binary (target/debug/longshore, or LONGSHORE_BINARY).
set -euo pipefail
cd "$(dirname "$0")/../.."

quick=(dockerfile compose kubernetes systemd restore alerts dashboards workflows)
all=()
for part in "${@:-every}"; do
    case "$part" in
        quick) all+=("${quick[@]}") ;;
        every) all+=("${quick[@]}" checkov units page) ;;
        *) all+=("$part") ;;
    esac
done
./deploy/check/tools.sh
python=target/deploy-check/venv/bin/python

dockerfile() {
    target/deploy-check/venv/bin/hadolint --no-color \
        --require-label org.opencontainers.image.version:text --require-label org.opencontainers.image.revision:text \
        --require-label org.opencontainers.image.source:text --require-label org.opencontainers.image.licenses:text \
        deploy/Dockerfile || return
    echo "dockerfile: hadolint has nothing to say"
}

checkov() {
    ./deploy/check/tools.sh checkov
    target/deploy-check/bin/kubectl kustomize deploy/kubernetes/overlays/example >target/deploy-check/rendered.yaml || return
    target/deploy-check/checkov/bin/python target/deploy-check/checkov/bin/checkov --file target/deploy-check/rendered.yaml \
        --framework kubernetes --quiet --compact --skip-download --skip-results-upload || return
    echo "checkov: no rule is broken on Kubernetes; what is skipped says why"
}

failed=0
for what in "${all[@]}"; do
    case "$what" in
        dockerfile | checkov) "$what" ;;
        compose | kubernetes | restore | alerts | dashboards) "$python" "deploy/check/$what.py" ;;
        workflows) node deploy/check/workflows.mjs . target/deploy-check/npm/node_modules ;;
        systemd) "$python" deploy/check/units.py ;;
        units) "$python" deploy/check/units_run.py ;;
        page) "$python" deploy/check/page.py ;;
        *) echo "deploy/check/run.sh does not know $what" >&2; exit 2 ;;
    esac || failed=1
done
exit "$failed"
