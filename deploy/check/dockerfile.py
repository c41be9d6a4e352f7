"""Reads a Dockerfile, so that what tries it out without an engine cannot differ from what an engine would build."""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Stage:
    """One `FROM` with what follows it."""

    base: str
    name: str | None
    steps: list[tuple[str, str]] = field(default_factory=list)


# What is understood. An engine knows more; whoever uses more teaches it here first.
KNOWN = {
    "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "RUN", "STOPSIGNAL", "USER", "WORKDIR",
}


def instructions(text: str) -> list[tuple[str, str]]:
    """Every instruction with its arguments, continued lines joined, comments dropped."""
    found, pending = [], ""
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        pending += line.rstrip()
        if pending.endswith("\\"):
            pending = pending[:-1]
            continue
        word, _, rest = pending.strip().partition(" ")
        found.append((word.upper(), rest.strip()))
        pending = ""
    if pending:
        raise SystemExit(f"the last instruction does not end: {pending}")
    return found


def expand(text: str, values: dict[str, str]) -> str:
    """`${NAME}` and `$NAME`, as Docker replaces them outside of RUN."""

    def value(match: re.Match) -> str:
        name = match.group(1) or match.group(2)
        if name not in values:
            raise SystemExit(f"nothing says what {name} is, in: {text}")
        return values[name]

    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", value, text)


def stages(path: Path, build_args: dict[str, str]) -> list[Stage]:
    """The stages of a file. `build_args` are what `--build-arg` would give."""
    known, found = {}, []
    for word, rest in instructions(path.read_text()):
        if word == "FROM":
            base, _, name = expand(rest, known).partition(" AS ")
            found.append(Stage(base.strip(), name.strip() or None))
        elif not found and word == "ARG":
            name, _, default = rest.partition("=")
            known[name] = build_args.get(name, default)
        elif word in KNOWN and found:
            found[-1].steps.append((word, rest))
        else:
            raise SystemExit(f"{path}: deploy/check/dockerfile.py does not know {word}")
    return found


@dataclass
class Image:
    """What the configuration of an image says of how it is run."""

    env: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    user: str = ""
    workdir: str = "/"
    entrypoint: list[str] = field(default_factory=list)
    cmd: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)
    stop_signal: str = "SIGTERM"
    ports: list[int] = field(default_factory=list)
    args: dict[str, str] = field(default_factory=dict)

    def values(self) -> dict[str, str]:
        return {**self.args, **self.env}

    def pairs(self, text: str) -> dict[str, str]:
        pairs = (word.partition("=") for word in shlex.split(text))
        return {name: expand(value, self.values()) for name, _, value in pairs}

    def take(self, word: str, rest: str, build_args: dict[str, str]) -> bool:
        """Takes an instruction that changes no file; `False` for one that does."""
        if word == "ARG":
            name, _, default = rest.partition("=")
            self.args[name] = build_args.get(name, default)
        elif word == "ENV":
            self.env |= self.pairs(rest)
        elif word == "LABEL":
            self.labels |= self.pairs(rest)
        elif word == "USER":
            self.user = rest
        elif word == "ENTRYPOINT":
            self.entrypoint = listed(rest)
        elif word == "CMD":
            self.cmd = listed(rest)
        elif word == "HEALTHCHECK":
            self.healthcheck = listed(rest.partition("CMD")[2].strip())
        elif word == "STOPSIGNAL":
            self.stop_signal = rest
        elif word == "EXPOSE":
            self.ports += [int(port) for port in rest.split()]
        else:
            return False
        return True


def listed(text: str) -> list[str]:
    """The JSON form. The other one takes a shell, which the image has not."""
    if not text.startswith("["):
        raise SystemExit(f"this takes a shell, and there is none in the image: {text}")
    return json.loads(text)


def ignored(path: str, rules: list[str]) -> bool:
    """Whether a path of the context is left out by .dockerignore: the last rule that matches decides."""
    out = False
    for rule in rules:
        keep, rule = rule.startswith("!"), rule.lstrip("!").strip("/")
        if re.search(r"[?\[]|\*\*", rule) or ("*" in rule and rule != "*"):
            raise SystemExit(f".dockerignore: deploy/check/dockerfile.py does not know {rule}")
        if rule == "*" or path == rule or path.startswith(rule + "/"):
            out = not keep
    return out
