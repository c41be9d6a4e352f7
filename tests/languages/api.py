"""Runs examples/python and examples/node over the HTTP API: the ten lines of Python; the types that npm's openapi-typescript makes of
docs/openapi.json, the compiler and the tests of the app in TypeScript, which gets an event of these jobs, too."""

import json
import os
import re
import secrets
import shutil
import sys
import urllib.request

from fleet import ROOT, Fleet, free_port, until
from trial import TOOLS, Trial

trial = Trial("api")


def start(fleet: Fleet) -> dict[str, str]:
    """The API, and what an app is given of it."""
    port, token = free_port(), secrets.token_hex(32)
    fleet.start("api", LONGSHORE_API__HTTP_ADDR=f"127.0.0.1:{port}", LONGSHORE_API__PRIVATE_ADDR="127.0.0.1:0",
                LONGSHORE_API__TOKENS__SHOP__SECRET="env:SHOP_TOKEN", SHOP_TOKEN=token, says="the API is served")
    return {"JOBS_URL": f"http://127.0.0.1:{port}", "JOBS_TOKEN": token}


def in_python(env: dict[str, str]) -> None:
    def said(program: str, *args: str) -> str:
        return trial.run(sys.executable, program, *args, cwd=ROOT / "examples/python", env={**env, "PYTHONDONTWRITEBYTECODE": "1"})

    for _ in range(2):
        came = said("welcome.py")
        trial.well("python: a mail is sent, and another taken back", came == "completed\ncancelled\n", came)
    came = said("pay.py", "A-1", "1")
    trial.well("python: who waits for a payment has its secret", re.match(r"completed pi_\w+_secret_\w+$", came), came)
    came = said("refused.py")
    trial.well("python: an error says what to mend", came.startswith("422 invalid_args args.to.email:"), came)


def run_now(fleet: Fleet, env: dict[str, str]) -> None:
    """What docs/testing.md says of schedules: a job that is due in an hour runs now, by the program and over HTTP."""

    def post(path: str, body: dict) -> str:
        head = {"Authorization": f"Bearer {env['JOBS_TOKEN']}", "Content-Type": "application/json"}
        request = urllib.request.Request(env["JOBS_URL"] + path, json.dumps(body).encode(), head)
        with urllib.request.urlopen(request, timeout=8) as answer:
            return json.load(answer)["id"]

    text = {"kind": "send_sms", "args": {"to": "+4790000000", "body": "It begins in an hour."}, "in": "1h"}
    by_program, over_http = post("/v1/jobs", text), post("/v1/jobs", text)
    ran = fleet.longshore("jobs", "run", by_program)
    trial.well("testing: a scheduled job is run now", ran.returncode == 0 and fleet.completed(by_program), ran.stderr)
    post(f"/v1/jobs/{over_http}/reschedule", {"in": "0s"})
    trial.well("testing: so it is over HTTP", fleet.completed(over_http))


def event(fleet: Fleet) -> str:
    """A file with the request by which the fleet tells of the mail of welcome.py."""
    came = until("an event comes", lambda: [of for of in fleet.told if '"key":"welcome-ada"' in of["body"]])
    file = fleet.dir / "event.json"
    file.write_text(json.dumps(came[0]))
    return str(file)


def in_node(env: dict[str, str]) -> None:
    app = TOOLS / "examples/node"
    for part in ("src", "test"):
        shutil.rmtree(app / part, ignore_errors=True)
    shutil.copytree(ROOT / "examples/node", app, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules", "longshore-api.d.ts"))
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
    run_now(fleet, env)
    in_node({**env, "EVENT": event(fleet)})
