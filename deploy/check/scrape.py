"""A small fleet that works, fails, is told of events and carries jobs from Postgres: what all roles' /metrics say of it, for those who name metrics."""

import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import postgres
from common import BINARY, ROOT

STAND_INS = ["sendgrid", "postmark", "twilio", "google-maps", "stripe", "app", "s3", "r2"]
MAIL = {"template": "welcome", "to": {"email": "ada@example.com"}, "data": {}}


def free_ports(count: int) -> list[int]:
    taken = [socket.socket() for _ in range(count)]
    for each in taken:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in taken]
    for each in taken:
        each.close()
    return ports


def get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.read().decode()


def until(what: str, holds, seconds: float = 60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if found := holds():
                return found
        except OSError:
            pass
        time.sleep(0.2)
    raise SystemExit(f"metrics: within {seconds:.0f} s it did not come true: {what}")


class Fleet:
    """A private Redis, the stand-ins, a lost worker, one that lives, and what receives and carries."""

    def __init__(self, scratch: Path):
        self.processes: list[subprocess.Popen] = []
        redis, *ports = free_ports(len(STAND_INS) + 9)
        self.work, self.lost, self.public, self.private, self.outbox, self.api, self.door, database = ports[len(STAND_INS):]
        self.at = dict(zip(STAND_INS, ports))
        self.env = {
            "PATH": os.environ["PATH"], "LONGSHORE_CONFIG": str(ROOT / "config"), "LONGSHORE_PROFILE": "local",
            "LONGSHORE_REDIS__URL": f"redis://127.0.0.1:{redis}",
            "LONGSHORE_WEBHOOKS__HTTP_ADDR": f"127.0.0.1:{self.public}",
            "LONGSHORE_WEBHOOKS__PRIVATE_ADDR": f"127.0.0.1:{self.private}",
            "LONGSHORE_WEBHOOKS__PUBLIC_URL": f"http://127.0.0.1:{self.public}",
            "LONGSHORE_WORKER__HTTP_ADDR": f"127.0.0.1:{self.work}",
            "LONGSHORE_WORKER__HEARTBEAT_SECONDS": "0.5", "LONGSHORE_WORKER__LOST_AFTER_SECONDS": "1.5",
            "LONGSHORE_APP__BASE_URL": f"http://127.0.0.1:{self.at['app']}",
        }
        for name in ("sendgrid", "postmark", "twilio", "google_maps", "stripe"):
            port = self.at[name.replace("_", "-")]
            self.env[f"LONGSHORE_PROVIDERS__{name.upper()}__BASE_URL"] = f"http://127.0.0.1:{port}"
        for name in ("s3", "r2"):
            self.env[f"LONGSHORE_PROVIDERS__{name.upper()}__ENDPOINT_URL"] = f"http://127.0.0.1:{self.at[name]}"
        # Nobody is there.
        self.env["LONGSHORE_PROVIDERS__GOOGLE_MAPS__BASE_URL"] = "http://127.0.0.1:1"
        self.start("redis-server", "--port", str(redis), "--bind", "127.0.0.1", "--dir", scratch, "--maxmemory", "500mb",
                   "--appendonly", "yes")
        self.env["LONGSHORE_OUTBOX__PRIVATE_ADDR"] = f"127.0.0.1:{self.outbox}"
        self.env["LONGSHORE_API__HTTP_ADDR"] = f"127.0.0.1:{self.door}"
        self.env["LONGSHORE_API__PRIVATE_ADDR"] = f"127.0.0.1:{self.api}"
        self.env["LONGSHORE_OUTBOX__DATABASE_URL"] = postgres.start(self, scratch, database)
        options = [word for name, port in self.at.items() for word in (f"--{name}-addr", f"127.0.0.1:{port}")]
        urls = [word for name in ("sendgrid", "stripe")
                for word in (f"--{name}-webhook-url", f"http://127.0.0.1:{self.public}/webhooks/{name}")]
        self.start(BINARY, "sandbox", *options, *urls)

    def start(self, *command, **more) -> subprocess.Popen:
        words = [str(word) for word in command]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(words, env={**self.env, **more}, **quiet)
        self.processes.append(process)
        return process

    def longshore(self, *arguments) -> str:
        done = subprocess.run([str(BINARY), *arguments], env=self.env, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"metrics: {arguments}: {done.stderr}")
        return done.stdout

    def enqueue(self, args: dict) -> str:
        return self.longshore("enqueue", "send_email", json.dumps(args)).strip()

    def fault(self, *what: str) -> None:
        self.longshore("sandbox", "fault", "sendgrid", *what, "--addr", f"127.0.0.1:{self.at['sendgrid']}")

    def state(self, job: str) -> str:
        return json.loads(self.longshore("job", job, "--json"))["state"]

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()


def scraped() -> str:
    """The text of both roles, from a fleet in which there is something of nearly everything."""
    with tempfile.TemporaryDirectory() as scratch:
        fleet = Fleet(Path(scratch))
        try:
            return told(fleet)
        finally:
            fleet.stop()


def told(fleet: Fleet) -> str:
    until("the stand-ins answer", lambda: get(fleet.at["sendgrid"], "/sandbox/faults"))
    # A worker that is lost with a job: another one takes it over.
    lost = fleet.start(BINARY, "work", LONGSHORE_WORKER__HTTP_ADDR=f"127.0.0.1:{fleet.lost}")
    until("a worker is ready", lambda: get(fleet.lost, "/readyz"))
    fleet.fault("silent", "--times", "1")
    job = fleet.enqueue(MAIL)
    until("it runs", lambda: fleet.state(job) == "running")
    lost.kill()
    lost.wait()
    fleet.start(BINARY, "work")
    fleet.start(BINARY, "webhooks")
    until("both roles are ready", lambda: get(fleet.work, "/readyz") and get(fleet.private, "/readyz"))
    until("its job was taken over", lambda: "longshore_rescued_total{" in get(fleet.work, "/metrics"))
    done = fleet.enqueue(MAIL)
    until("a mail is sent", lambda: fleet.state(done) == "completed")
    text = fleet.longshore("enqueue", "send_sms", json.dumps({"to": "+4790000000", "body": "Hei"})).strip()
    until("a text is sent", lambda: fleet.state(text) == "completed")
    until("its events came", lambda: "longshore_webhooks_total{" in get(fleet.private, "/metrics"))
    fleet.fault("400", "--times", "1")
    refused = fleet.enqueue(MAIL)
    until("a letter is dead", lambda: fleet.state(refused) == "dead")
    fleet.longshore("enqueue", "geocode_address", json.dumps({"address": "Storgata 1, Oslo"}))
    until("a provider is not reached", lambda: 'outcome="not_reached"' in get(fleet.work, "/metrics"))
    # Enough failures to open the breaker, which holds the queue.
    fleet.fault("503")
    for _ in range(6):
        fleet.enqueue(MAIL)
    until("the breaker is open", lambda: 'longshore_hold{queue="email"' in get(fleet.work, "/metrics"))
    letters = until("letters are counted", lambda: (t := get(fleet.work, "/metrics")) and "longshore_dead_letters{" in t and t)
    return letters + get(fleet.private, "/metrics") + carried(fleet) + called(fleet)


def carried(fleet: Fleet) -> str:
    """What a carrier tells, of a row that it carried and one that it holds."""
    url, schema = fleet.env["LONGSHORE_OUTBOX__DATABASE_URL"], fleet.longshore("outbox", "schema")
    insert = "INSERT INTO longshore_outbox (kind, args) VALUES"
    rows = f"{insert} ('send_email', '{json.dumps(MAIL)}'), ('send_email', '{{}}');"
    until("the table is there", lambda: postgres.sql(url, schema + rows) is None)
    fleet.start(BINARY, "outbox")
    return until("a row is held", lambda: (t := get(fleet.outbox, "/metrics")) and "longshore_outbox_held{" in t and t)


def called(fleet: Fleet) -> str:
    """What an API tells after a call. The profile has its token."""
    fleet.start(BINARY, "api")
    until("the API is ready", lambda: get(fleet.api, "/readyz"))
    token = {"Authorization": "Bearer local-token-for-development"}
    with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{fleet.door}/v1/kinds", headers=token)):
        return get(fleet.api, "/metrics")


def series(text: str) -> dict[str, dict[str, set[str]]]:
    """Every metric that has a value, with its labels and their values."""
    found: dict[str, dict[str, set[str]]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, rest = line.partition("{")
            labels = {}
            if rest:
                for pair in rest.rsplit("}", 1)[0].split('",'):
                    label, _, value = pair.partition('="')
                    labels[label] = value.rstrip('"')
            else:
                name = line.split(" ")[0]
            known = found.setdefault(name, {})
            for label, value in labels.items():
                known.setdefault(label, set()).add(value)
    return found


if __name__ == "__main__":
    print(scraped())
