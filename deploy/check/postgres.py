"""A Postgres of one's own, with the table that `longshore outbox` carries from."""

import os
import shutil
import subprocess
from pathlib import Path

# Postgres refuses to run as root.
NOBODY = 65534


def programs() -> Path:
    """The directory of its programs, which Debian and Homebrew keep out of the path."""
    found = [shutil.which("initdb")]
    for places in ("/usr/lib/postgresql/*/bin/initdb", "/opt/homebrew/opt/postgresql@*/bin/initdb", "/usr/local/opt/postgresql@*/bin/initdb"):
        found += sorted(map(str, Path("/").glob(places.lstrip("/"))), reverse=True)
    for initdb in filter(None, found):
        return Path(initdb).resolve().parent
    raise SystemExit("metrics: postgres is not here; `just postgres` installs it")


def start(fleet, scratch: Path, port: int) -> str:
    """Starts it as one of the fleet's processes. Returns its URL."""
    home = scratch / "postgres"
    home.mkdir()
    scratch.chmod(0o755)
    nobody = {}
    if os.geteuid() == 0:
        os.chown(home, NOBODY, NOBODY)
        nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    data = home / "data"
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": home}
    make = [programs() / "initdb", "-U", "app", "--auth=trust", "--no-sync", "--no-locale", "--encoding=UTF8", "-D", data]
    subprocess.run(list(map(str, make)), **quiet, **nobody)
    run = [programs() / "postgres", "-D", data, "-p", port, "-k", home, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    with open(home / "log", "wb") as log:
        process = subprocess.Popen(list(map(str, run)), stdout=log, stderr=log, cwd=home, **nobody)
    fleet.processes.append(process)
    return f"postgres://app@127.0.0.1:{port}/postgres"


def sql(url: str, text: str) -> None:
    psql = [str(programs() / "psql"), "--quiet", "--set=ON_ERROR_STOP=1", url]
    done = subprocess.run(psql, input=text, capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(done.stderr)
