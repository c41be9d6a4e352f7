#!/usr/bin/env python3
"""Runs what the units of deploy/systemd start, as they would be run, on a machine on which no systemd has been booted: the command
line and environment of the unit, its credentials as files of a user who is nobody, no capabilities, a read-only file system, and
the unit's own filter of system calls, as systemd-analyze expands it. `work` has to be alive, to do a job, and to end with it on the
unit's KillSignal; `webhooks` to be alive, and to end; `doctor` to find Redis good.

The binary and the configuration stand elsewhere than in the unit, and the settings are those of staging, so that the stand-in for
SendGrid, which has no TLS, can be called."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from common import BINARY, ROOT, SECRETS, Findings
from run_image import Trial, answers, beside, free_port, services, until
from units import environment, read

HERE = ROOT / "deploy/systemd"
ENTER = Path(__file__).with_name("enter_unit.py")
# Of those that systemd gives to units with DynamicUser.
UID = 61184
findings = Findings("units")


def expanded(names: list[str]) -> set[str]:
    """A set of system calls, and the sets in it."""
    calls: set[str] = set()
    for name in names:
        if not name.startswith("@"):
            calls.add(name)
            continue
        listed = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True)
        words = [line.strip() for line in listed.stdout.splitlines()[1:]]
        calls |= expanded([word for word in words if word and not word.startswith("#")])
    return calls


def allowed(keys: dict[str, list[str]]) -> list[str]:
    """As systemd puts the lines together: the first one is a list of what is allowed."""
    first, *others = keys["SystemCallFilter"]
    calls = expanded(["@default", *first.split()])
    for line in others:
        listed = expanded(line.removeprefix("~").split())
        calls = calls - listed if line.startswith("~") else calls | listed
    return sorted(calls)


class Unit:
    """A unit, in a directory of its own with what it loads."""

    def __init__(self, name: str, scratch: Path, redis: dict[str, str]):
        self.keys, self.at = read(HERE / f"{name}.service"), scratch / name
        credentials = self.at / "credentials"
        credentials.mkdir(parents=True)
        shutil.copytree(ROOT / "config", self.at / "config")
        os.link(scratch / "longshore", self.at / "longshore")
        for line in self.keys["LoadCredential"]:
            file, _, source = line.partition(":")
            file, user = credentials / file, Path(source).name.removeprefix("redis-url-")
            file.write_text(redis.get(user) or SECRETS.get(user, "a-secret-of-nobody-at-all"))
            os.chown(file, UID, UID)
            file.chmod(0o400)
        families = [int(getattr(socket, name)) for name in self.keys["RestrictAddressFamilies"][0].split()]
        self.settings = self.at / "settings.json"
        self.settings.write_text(json.dumps({"uid": UID, "allowed": allowed(self.keys), "families": families}))
        self.env = environment(self.keys, str(credentials))
        self.arguments = self.keys["ExecStart"][0].split()[1:]

    def command(self, arguments: list[str], variables: dict[str, str]) -> dict:
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **self.env, "LONGSHORE_CONFIG": str(self.at / "config"), **variables}
        return {"args": ["unshare", "--mount", "--", sys.executable, str(ENTER), str(self.settings), *arguments], "env": env}

    def trial(self) -> Trial:
        return Trial(self.command, [str(self.at / "longshore")])


def work(unit: Unit, mails: int, operator: str) -> None:
    trial = unit.trial()
    health = [*trial.longshore, "healthcheck", "work"]
    env = {"LONGSHORE_PROFILE": "staging", **beside(mails)}
    as_operator = {**env, "LONGSHORE_REDIS__URL": operator}
    trial.drains(unit.arguments, health, env, as_operator, unit.keys["KillSignal"][0], lambda pid: named(trial, as_operator))


def named(trial: Trial, env: dict[str, str]) -> None:
    """It knows its host's name though /proc does not say it: others are told by that."""
    rows = json.loads(trial.ran([*trial.longshore, "workers", "--json"], env).stdout)
    findings.expect([row["host"] for row in rows] == ["machine"], f"the worker's host is {rows}")


def webhooks(unit: Unit) -> None:
    key = next(line for line in (ROOT / "config/local.toml").read_text().splitlines() if line.startswith("webhook_public_keys"))
    env = {
        "LONGSHORE_PROFILE": "staging", "LONGSHORE_WEBHOOKS__PUBLIC_URL": "https://hooks.example.com",
        "LONGSHORE_PROVIDERS__SENDGRID__WEBHOOK_PUBLIC_KEYS": key.split("=", 1)[1].strip(),
    }
    listens(unit, "webhooks", env)


def listens(unit: Unit, role: str, env: dict[str, str]) -> None:
    """It answers, is well by its own command, and ends when it is told to."""
    trial, health, variable = unit.trial(), free_port(), f"LONGSHORE_{role.upper()}__"
    env |= {f"{variable}HTTP_ADDR": f"127.0.0.1:{free_port()}", f"{variable}PRIVATE_ADDR": f"127.0.0.1:{health}"}
    process = subprocess.Popen(**trial.command([*trial.longshore, *unit.arguments], env), stderr=subprocess.PIPE, text=True)
    try:
        until(f"{role} answers", lambda: answers(health) or process.poll() is not None)
        trial.ran([*trial.longshore, "healthcheck", role], env)
        process.terminate()
        _, log = process.communicate(timeout=60)
        findings.expect(process.returncode == 0, f"{role} ended with {process.returncode}: {log}")
    finally:
        process.kill()


def doctor(unit: Unit, mails: int) -> None:
    trial = unit.trial()
    env = {"LONGSHORE_PROFILE": "staging", **beside(mails)}
    asked = subprocess.run(**trial.command([*trial.longshore, *unit.arguments, "--json"], env), capture_output=True, text=True)
    rows = {row["check"]: row["status"] for row in json.loads(asked.stdout or "[]")}
    findings.expect(rows.get("writes") == "ok" and "error" not in rows.values(), f"doctor: {rows} {asked.stderr}")


def main() -> None:
    if os.geteuid() != 0:
        raise SystemExit("this mounts and changes users, so it needs root")
    with tempfile.TemporaryDirectory() as made, services() as (redis, mails):
        scratch = Path(made)
        scratch.chmod(0o755)
        shutil.copy(BINARY, scratch / "longshore")
        work(Unit("longshore-work", scratch, redis), mails, redis["operator"])
        webhooks(Unit("longshore-webhooks", scratch, redis))
        listens(Unit("longshore-api", scratch, redis), "api", {"LONGSHORE_PROFILE": "staging"})
        listens(Unit("longshore-console", scratch, redis), "console", {"LONGSHORE_PROFILE": "staging"})
        doctor(Unit("longshore-doctor", scratch, redis), mails)
    findings.well("work, webhooks, api, console and doctor run as their units say, under their filters of system calls; work drains with its job done")
    findings.end()


if __name__ == "__main__":
    main()
