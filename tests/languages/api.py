"""Runs examples/python and examples/node over the HTTP API: the ten lines of Python; the types that npm's openapi-typescript makes of
docs/openapi.json, the compiler and the tests of the app in TypeScript."""

import os
import secrets
import shutil
import sys

from fleet import ROOT, Fleet, free_port
from trial import TOOLS, Trial

trial = Trial("api")


def start(fleet: Fleet) -> dict[str, str]:
    """The API, and what an app is given of it."""
    port, token = free_port(), secrets.token_hex(32)
    fleet.start("api", LONGSHORE_API__HTTP_ADDR=f"127.0.0.1:{port}", LONGSHORE_API__PRIVATE_ADDR="127.0.0.1:0",
                LONGSHORE_API__TOKENS__SHOP__SECRET="env:SHOP_TOKEN", SHOP_TOKEN=token, says="the API is served")
    return {"JOBS_URL": f"http://127.0.0.1:{port}", "JOBS_TOKEN": token}


def in_python(env: dict[str, str]) -> None:
    def said(program: str) -> str:
        return trial.run(sys.executable, program, cwd=ROOT / "examples/python", env={**env, "PYTHONDONTWRITEBYTECODE": "1"})

    for _ in range(2):
        came = said("welcome.py")
        trial.well("python: a mail is sent, and another taken back", came == "completed\ncancelled\n", came)
    came = said("refused.py")
    trial.well("python: an error says what to mend", came.startswith("422 invalid_args args.to.email:"), came)


def in_node(env: dict[str, str]) -> None:
    app = TOOLS / "examples/node"
    for part in ("src", "test"):
        shutil.rmtree(app / part, ignore_errors=True)
    shutil.copytree(ROOT / "examples/node", app, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules", "longshore.d.ts"))
    # As `npm run generate` looks for it.
    (TOOLS / "docs").mkdir(exist_ok=True)
    shutil.copy(ROOT / "docs/openapi.json", TOOLS / "docs/openapi.json")
    for script, what in [("generate", "types are made of docs/openapi.json"), ("check", "the app compiles, and what is wrong does not"),
                         ("test", "its services are tested, with a mock and over the API")]:
        came = trial.run("npm", "run", "--silent", script, cwd=app, env={**env, "CI": "true", "NO_COLOR": "1", "PATH": os.environ["PATH"]})
        skipped = script == "test" and "skipped" in came
        trial.well(f"node: {what}", not skipped, came)


def all(fleet: Fleet) -> None:
    env = start(fleet)
    in_python(env)
    in_node(env)
