#!/usr/bin/env python3
"""deploy/systemd: by `systemd-analyze verify` and `security`; settings and command lines by the binary; what the filter of system
calls lets through, beside what the binary calls in a run (deploy/check/units_run.py does that)."""

import re
import shutil
import tempfile
from pathlib import Path

from common import ROOT, Findings, config_check, roles, run, seconds, setting, understood

HERE = ROOT / "deploy/systemd"
# In tenths, of what `systemd-analyze security` says: 0 is nothing, and 9.6 a unit that says nothing of it. Up to 4.0 is OK.
MOST_EXPOSED = 15
findings = Findings("systemd")


def read(unit: Path) -> dict[str, list[str]]:
    """Every key with its values, whatever its section: none of ours stands in two."""
    keys: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        if line and line[0] not in "#;[":
            key, _, value = line.partition("=")
            keys.setdefault(key, []).append(value)
    return keys


def environment(keys: dict[str, list[str]], credentials: str) -> dict[str, str]:
    env = {}
    for line in keys.get("Environment", []):
        for word in line.split():
            name, _, value = word.partition("=")
            env[name] = value.replace("%d", credentials).replace("%H", "machine")
    return env


def verified(units: list[Path]) -> None:
    """Below a root of its own, in which the binary is where the units look for it."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        there = root / "etc/systemd/system"
        shutil.copytree("/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
        there.mkdir(parents=True)
        for program in (root / "usr/local/bin/longshore", root / "usr/bin/redis-server"):
            program.parent.mkdir(parents=True)
            program.write_text("")
            program.chmod(0o755)
        for unit in units:
            shutil.copy(unit, there)
        names = [unit.name for unit in units]
        # The distribution's unit, where it is installed, with what we change of it.
        for changed in HERE.glob("*.service.d"):
            if (root / "usr/lib/systemd/system" / changed.stem).exists():
                shutil.copytree(changed, there / changed.name)
                names.append(changed.stem)
        done = run("systemd-analyze", f"--root={root}", "--man=no", "verify", *names)
        ours = [line for line in done.stderr.splitlines() if "longshore" in line]
        findings.expect(done.returncode == 0 and not ours, f"systemd-analyze verify: {ours or done.stderr}")
        findings.well(f"systemd-analyze verify has nothing to say of {', '.join(names)}")


def exposed(unit: Path) -> None:
    done = run("systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", unit)
    said = re.search(r"Overall exposure level for \S+: ([\d.]+) (\w+)", done.stdout)
    findings.expect(done.returncode == 0 and said, f"{unit.name}: {done.stdout[-300:]}{done.stderr}")
    if said:
        findings.well(f"{unit.name}: exposure {said.group(1)} ({said.group(2)})")


def main() -> None:
    services, timers = sorted(HERE.glob("*.service")), sorted(HERE.glob("*.timer"))
    verified([*services, *timers])
    named = {f"longshore-{role}" for role in roles()}
    findings.expect(named <= {unit.stem for unit in services}, f"the roles are {roles()}: {[unit.name for unit in services]}")
    for unit in services:
        exposed(unit)
        keys = read(unit)
        [command] = keys["ExecStart"]
        program, *arguments = command.split()
        findings.expect(program == "/usr/local/bin/longshore", f"{unit.name}: {command}")
        understood(findings, unit.name, arguments)
        credentials = "/run/credentials/unit"
        env = environment(keys, credentials)
        loaded = {line.split(":")[0] for line in keys["LoadCredential"]}
        used = {Path(value).name for value in env.values() if value.startswith("file:")}
        findings.expect(loaded == used, f"{unit.name}: loads {loaded}, and refers to {used}")
        # What somebody's longshore.env or production.toml would say.
        env |= {"LONGSHORE_EMAIL__TEMPLATES__WELCOME": "d-0123456789abcdef0123456789abcdef"}
        config_check(findings, unit.name, env, credentials)
        if keys["Type"] != ["oneshot"]:
            grace, drain = seconds(keys["TimeoutStopSec"][0]), setting("worker.drain_seconds", env)
            findings.expect(grace > drain + 10, f"{unit.name}: {grace} s to stop, and {drain} s to drain")
            findings.expect(keys["Type"] == ["exec"] and "WatchdogSec" not in keys, f"{unit.name}: it tells systemd nothing")
    for timer in timers:
        findings.expect((HERE / f"{timer.stem}.service").exists(), f"{timer.name} starts nothing")
        [when] = read(timer)["OnCalendar"]
        done = run("systemd-analyze", "calendar", when)
        findings.expect(done.returncode == 0, f"{timer.name}: {done.stderr}")
    findings.end()


if __name__ == "__main__":
    main()
