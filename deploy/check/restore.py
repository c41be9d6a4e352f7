#!/usr/bin/env python3
"""deploy/redis: what docs/backup.md says of copies and restores, done as it is written there with the Redis that docs/deploying.md installs on
a machine: no job is lost. And each call of `redis-cli` on the pages names a user, and is answered by that Redis.
docs/rotating.md changes a password.

What is other than there: the directories stand below another one, Redis has a port of its own, nobody changes users, and `systemctl` starts
and stops Redis alone."""

import json
import os
import re
import socket
import subprocess
import tempfile
from pathlib import Path

from common import ROOT, Findings, blocks, longshore

PLACES = ("/etc/longshore", "/etc/redis", "/etc/systemd", "/var/lib/redis", "/var/backups/longshore")
# What the page calls by name, as it is here. A snapshot over the network waits for others that want one, unless the delay is 0.
SHELL = r"""
set -euo pipefail
install() { local words=(); while [ $# -gt 0 ]; do case "$1" in -o|-g) shift 2 ;; *) words+=("$1"); shift ;; esac; done; command install "${words[@]}"; }
runuser() { shift 3; "$@"; }
chown() { :; }
redis-cli() { command redis-cli -p "$PORT" "$@"; }
redis-server() { command redis-server "$@" --port "$PORT" --logfile "$LOG"; }
is_up() { command redis-cli -e -p "$PORT" --user admin PING >/dev/null 2>&1; }
systemctl() {
    case "$*" in
        "stop redis-server") command redis-cli -p "$PORT" --user admin SHUTDOWN; while is_up; do sleep; done ;;
        "start redis-server") eval "$UNIT" --port "$PORT" --repl-diskless-sync-delay 0 --daemonize yes --logfile "$LOG"; until is_up; do sleep; done ;;
        "stop longshore-"* | "restart longshore-"*) ;;
        *) echo "nobody here knows: systemctl $*" >&2; return 1 ;;
    esac
}
sleep() { command sleep 0.02; }
"""
MAIL = '{"template":"welcome","to":{"email":"ada@example.com"},"data":{}}'
findings = Findings("redis")


class Machine:
    """What docs/deploying.md makes of one, below a directory."""

    def __init__(self, scratch: Path):
        self.root = scratch
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.port = taken.getsockname()[1]
        for place in ("/etc/longshore", "/etc/redis", "/etc/systemd/system", "/var/lib/redis"):
            self.at(place).mkdir(parents=True)
        place = f"localhost:{self.port}"
        made = subprocess.run([ROOT / "deploy/redis/users.sh", self.at("/etc/longshore/credentials"), place], capture_output=True, text=True)
        findings.expect(made.returncode == 0, f"users.sh: {made.stderr}")
        unit = (ROOT / "deploy/systemd/redis-server.service.d/longshore.conf").read_text()
        [start] = [line for line in re.findall("^ExecStart=(.+)$", unit, re.MULTILINE)]
        self.env = {
            **os.environ, "PORT": str(self.port), "LOG": str(scratch / "redis.log"),
            "UNIT": self.moved(start.replace("--supervised systemd", "")),
        }

    def at(self, place: str) -> Path:
        return self.root / place.lstrip("/")

    def moved(self, text: str) -> str:
        return re.sub("|".join(PLACES), lambda match: f"{self.root}{match[0]}", text)

    def does(self, *lines: str) -> str:
        """As root would type them, one after the other."""
        words = SHELL + self.moved("\n".join(lines))
        done = subprocess.run(["bash", "-c", words], capture_output=True, text=True, env=self.env, cwd=ROOT, timeout=60)
        log = self.root / "redis.log"
        said = log.read_text()[-2000:] if done.returncode and log.exists() else ""
        findings.expect(done.returncode == 0, f"{lines}: {done.stdout}{done.stderr}{said}")
        return done.stdout

    def longshore(self, user: str, *words: str) -> str:
        url = f"file:{self.at('/etc/longshore/credentials')}/redis-url-{user}"
        done = longshore(*words, env={"LONGSHORE_REDIS__URL": url, "LONGSHORE_PROFILE": "local"})
        findings.expect(done.returncode == 0, f"longshore {words}: {done.stderr}")
        return done.stdout

    def enqueue(self, how_many: int) -> None:
        for _ in range(how_many):
            self.longshore("producer", "enqueue", "send_email", MAIL, "--yes")

    def waiting(self) -> object:
        said = self.longshore("operator", "queues", "--json") or "[]"
        return [row["pending"] for row in json.loads(said) if row["queue"] == "email"]


def restored(machine: Machine) -> None:
    [password, *copies] = blocks("docs/backup.md", "Take a copy")
    [before], [snapshot] = blocks("docs/backup.md", "Before a restore"), blocks("docs/backup.md", "Restore a snapshot")
    directory = blocks("docs/backup.md", "Restore an append-only directory")[0]
    machine.enqueue(3)
    machine.does(*password, *(line for block in copies for line in block))
    # What is accepted after the copy is not in it.
    machine.enqueue(1)
    for name, steps in (("a snapshot", snapshot), ("an append-only directory", directory)):
        machine.does(*password, *before, *steps)
        findings.expect(machine.waiting() == [3], f"of 3 jobs {name} brings back {machine.waiting()}")
        # And what was restored is kept.
        machine.does(*password, "systemctl stop redis-server", "systemctl start redis-server")
        findings.expect(machine.waiting() == [3], f"after {name} and a restart there are {machine.waiting()} of 3 jobs")
        machine.does("rm -r /var/backups/longshore/before")
    findings.well("docs/backup.md restores the jobs from a snapshot and from an append-only directory, and they are kept")


def rotated(machine: Machine) -> None:
    """The user `worker` gets another password as docs/rotating.md has it: both are taken meanwhile, and the old one is not at the end."""
    file = machine.at("/etc/longshore/credentials/redis-url-worker")

    def taken(password: str) -> bool:
        return "WRONGPASS" not in machine.does(f"redis-cli --no-auth-warning --user worker --pass {password} PING 2>&1")

    change, end = blocks("docs/rotating.md", "Redis")
    old = file.read_text().split(":")[2].split("@")[0]
    machine.does(*change)
    new = file.read_text().split(":")[2].split("@")[0]
    findings.expect(new != old and taken(new) and taken(old), "while a password changes, Redis does not take both")
    machine.does(*change[:1], f"hash=$(printf %s {new} | sha256sum | cut -d ' ' -f 1)", *end)
    findings.expect(taken(new) and not taken(old), "after a password has changed, Redis does not take the new one alone")
    findings.well("docs/rotating.md changes a password of Redis's: both are taken meanwhile, and only the new one at its end")


def calls() -> dict[str, str]:
    """Each call of redis-cli in the pages, the alerts and the files of Redis, with where it stands."""
    found = {}
    files = [*(ROOT / "docs").glob("*.md"), ROOT / "deploy/prometheus/rules.yaml", *(ROOT / "deploy/redis").glob("*.conf")]
    for file in files:
        for after in file.read_text().split("redis-cli ")[1:]:
            # Up to where the sentence or the pipe goes on.
            call = re.split(r"\s+#|[;|>`\"\n)]| && |\. |, ", after)[0].strip().rstrip(".:")
            if re.match("-|[A-Z]", call):
                found.setdefault(call, file.name)
    return found


def answered(machine: Machine) -> None:
    [password, *_] = blocks("docs/backup.md", "Take a copy")
    tried = 0
    for call, page in calls().items():
        # Sentinels have users of their own.
        if not findings.expect(re.search(r"--user (admin|health)\b|-p 26379", call), f"{page}: `redis-cli {call}` names no user"):
            continue
        # Those that need other servers, end this one, or have been run above.
        if re.search(r"-h [A-Z]|--cluster|CLUSTER|SHUTDOWN|--rdb|…", call):
            continue
        said = machine.does(*password, "redis-cli --user admin SET KEY value", f"redis-cli -e {call} 2>&1")
        findings.expect("NOPERM" not in said and "NOAUTH" not in said, f"{page}: `redis-cli {call}`: {said}")
        tried += 1
    findings.expect(tried > 10, f"{tried} calls of redis-cli were found")
    findings.well(f"{tried} calls of redis-cli in the pages are answered by a Redis with the shipped users, and each call there names a user")


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        machine = Machine(Path(scratch))
        [password, *_] = blocks("docs/backup.md", "Take a copy")
        installs = [line for line in blocks("docs/deploying.md", "Redis by systemd")[0] if line.startswith("install ")]
        try:
            machine.does(*installs, *password[:1], "systemctl start redis-server")
            restored(machine)
            rotated(machine)
            answered(machine)
        finally:
            stop = f'{password[0]}\nredis-cli --user admin SHUTDOWN NOSAVE || true'
            subprocess.run(["bash", "-c", SHELL + machine.moved(stop)], env=machine.env, capture_output=True, check=False)
    findings.end()


if __name__ == "__main__":
    main()
