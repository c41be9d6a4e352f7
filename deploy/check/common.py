"""What the checks have in common."""

import atexit
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "target" / "deploy-check"
BINARY = Path(os.environ.get("LONGSHORE_BINARY", ROOT / "target/debug/longshore"))


class Findings:
    """Everything that is wrong, said at once."""

    def __init__(self, what: str):
        self.what, self.found, self.good = what, [], []
        # What was found counts, too, when something that it is about ends the script.
        atexit.register(self.say)

    def expect(self, holds, problem: str) -> bool:
        if not holds:
            self.found.append(problem)
        return bool(holds)

    def well(self, text: str) -> None:
        self.good.append(text)

    def say(self) -> None:
        for text in self.good:
            print(f"{self.what}: {text}")
        for problem in self.found:
            print(f"{self.what}: WRONG: {problem}", file=sys.stderr)

    def end(self) -> None:
        sys.exit(1 if self.found else 0)


def run(*command, env: dict | None = None, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, cwd=cwd, env=env)


def longshore(*arguments, env: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    """The binary, with the configuration that is shipped, wherever it will stand, and nothing of this shell's environment."""
    variables = {"PATH": "/usr/bin:/bin", **(env or {}), "LONGSHORE_CONFIG": str(ROOT / "config")}
    return run(BINARY, *arguments, env=variables)


def roles() -> list[str]:
    """The roles that there are, as the binary has them: who adds one is told where it is missing."""
    said = longshore("healthcheck", "no-such-role").stderr
    return re.search(r"possible values: ([^\]]+)\]", said).group(1).split(", ")


def setting(key: str, env: dict[str, str]) -> object:
    shown = longshore("config", "show", "--json", env=env)
    if shown.returncode != 0:
        raise SystemExit(f"`config show`: {shown.stderr}")
    rows = json.loads(shown.stdout)
    return next(row["value"] for row in rows if row["key"] == key)


SECRETS = {
    "sendgrid-api-key": "SG.of-nobody", "api-token-shop": "a-token-of-nobody-at-all",
    # Of the password "of-nobody".
    "console-password-hash-ops": "$argon2id$v=19$m=19456,t=2,p=1$6y9NxhUdC8tV/iCGIT2L/A$ycATbTmIBDssVD+0HOj8evHh8qMdLpyiMu5r6YgDhBU",
    "outbox-database-url": "postgres://app:of-nobody@127.0.0.1:5432/app",
    "redis-url": "redis://worker:of-nobody@127.0.0.1:6379",
    **{f"redis-url-{user}": f"redis://{user}:of-nobody@127.0.0.1:6379" for user in ("worker", "webhooks", "producer", "operator")},
}


def redis_users(where: Path, place: str, namespace: str = "longshore") -> dict[str, str]:
    """Makes Redis's users as an operator does. Their URLs by name; the file for Redis is `where / "users.acl"`."""
    made = run("deploy/redis/users.sh", where, place, namespace)
    if made.returncode != 0:
        raise SystemExit(f"users.sh: {made.stderr}")
    return {file.name.removeprefix("redis-url-"): file.read_text() for file in Path(where).glob("redis-url-*")}


def blocks(page: str, heading: str) -> list[list[str]]:
    """The indented blocks below a heading of a page."""
    text = (ROOT / page).read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("    "):
            found[-1].append(line.strip())
        elif found[-1]:
            found.append([])
    return [block for block in found if block]


def config_check(findings: Findings, what: str, env: dict[str, str], secrets_at: str) -> None:
    """Has the binary look at an environment. The files of its secrets are made, below another directory."""
    with tempfile.TemporaryDirectory() as scratch:
        moved = {}
        for name, value in env.items():
            if value.startswith("file:"):
                path = Path(value.removeprefix("file:"))
                findings.expect(str(path.parent) == secrets_at, f"{what}: {name} is not below {secrets_at}")
                findings.expect(path.name in SECRETS, f"{what}: {path.name} is no secret that deploy/check/common.py knows")
                (Path(scratch) / path.name).write_text(SECRETS.get(path.name, "of-nobody"))
                value = f"file:{scratch}/{path.name}"
            moved[name] = value
        checked = longshore("config", "check", "--json", env=moved)
        said = json.loads(checked.stdout or "[]")
        problems = [f"{row['key']}: {row['problem']}" for row in said]
        findings.expect(checked.returncode == 0 and not said, f"{what}: `config check`: {problems or checked.stderr}")


def understood(findings: Findings, what: str, arguments: list[str]) -> None:
    """Whether the binary has such a command, without running it."""
    asked = longshore(*arguments, "--help")
    findings.expect(asked.returncode == 0, f"{what}: `longshore {' '.join(arguments)}`: {asked.stderr}")


def seconds(text) -> float:
    """`90`, `60s`, `1m30s`."""
    if re.fullmatch(r"\d+(\.\d+)?", str(text)):
        return float(text)
    parts = re.findall(r"(\d+)(ms|h|m|s)", str(text))
    return sum(int(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[unit] for number, unit in parts)
