"""A Redis with TLS, stand-ins for the providers and a fleet, for producers that are not written in Rust."""

import atexit
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("LONGSHORE_BINARY", ROOT / "target/debug/longshore"))
PROVIDERS = {
    "sendgrid": "PROVIDERS__SENDGRID__BASE_URL",
    "postmark": "PROVIDERS__POSTMARK__BASE_URL",
    "twilio": "PROVIDERS__TWILIO__BASE_URL",
    "google_maps": "PROVIDERS__GOOGLE_MAPS__BASE_URL",
    "stripe": "PROVIDERS__STRIPE__BASE_URL",
    "app": "APP__BASE_URL",
    "s3": "PROVIDERS__S3__ENDPOINT_URL",
    "r2": "PROVIDERS__R2__ENDPOINT_URL",
}


def free_port() -> int:
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return any_port.getsockname()[1]


def until(what: str, holds, seconds: float = 30):
    """What `holds` gives, once it gives something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.02)
    raise SystemExit(f"not within {seconds:.0f} s: {what}")


class Events(BaseHTTPRequestHandler):
    """An app that is told of its jobs: it keeps the requests as they came."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        # The others are this connection's own.
        headers = {name: value for name, value in self.headers.items() if name.lower().startswith("webhook-")}
        self.server.came.append({"headers": headers, "body": body})
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Fleet:
    """All of it ends with this process."""

    def __init__(self):
        scratch = tempfile.TemporaryDirectory(prefix="longshore-languages-")
        atexit.register(scratch.cleanup)
        self.dir = Path(scratch.name)
        self.ca = self.dir / "ca.pem"
        self.plain_port, self.tls_port = free_port(), free_port()
        self._redis()
        self.env = {
            "PATH": os.environ["PATH"],
            "LONGSHORE_CONFIG": str(ROOT / "config"),
            "LONGSHORE_PROFILE": "local",
            "LONGSHORE_REDIS__URL": self.url(),
            "LONGSHORE_REDIS__CA_FILE": str(self.ca),
            "LONGSHORE_WORKER__HTTP_ADDR": "127.0.0.1:0",
            "LONGSHORE_EVENTS__URL": self._events(),
        }
        self.origins = self._stand_ins()
        for name, variable in PROVIDERS.items():
            self.env[f"LONGSHORE_{variable}"] = self.origins[name]
        self.start("work", says="on Redis at")

    def _events(self) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Events)
        server.came = self.told = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/longshore/events"

    def url(self, user: str = "") -> str:
        return f"rediss://{user}localhost:{self.tls_port}"

    def _redis(self):
        key = self.dir / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", self.ca],
            check=True, capture_output=True)
        self.spawn(
            ["redis-server", "--port", str(self.plain_port), "--bind", "127.0.0.1", "--tls-port", str(self.tls_port),
             "--tls-cert-file", self.ca, "--tls-key-file", key, "--tls-ca-cert-file", self.ca, "--tls-auth-clients", "no",
             "--save", "", "--dir", self.dir],
            "redis")
        until("Redis answers", lambda: self.redis("PING") == "PONG")

    def redis(self, *words, port: int | None = None) -> str:
        """What redis-cli says."""
        command = ["redis-cli", "-p", str(port or self.plain_port), *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()

    def spawn(self, command, log: str, env=None) -> subprocess.Popen:
        with open(self.dir / f"{log}.log", "wb") as out:
            started = subprocess.Popen([str(word) for word in command], stdout=out, stderr=subprocess.STDOUT, env=env)

        def end():
            started.send_signal(signal.SIGTERM)
            try:
                started.wait(10)
            except subprocess.TimeoutExpired:
                started.kill()

        atexit.register(end)
        return started

    def log(self, name: str) -> str:
        return (self.dir / f"{name}.log").read_text(errors="replace")

    def start(self, *words, says: str, **env) -> None:
        """One of the roles, once it has logged this; it ends with this process."""
        started = self.spawn([BINARY, *words], words[0], {**self.env, **env})

        def has_said():
            if started.poll() is not None:
                raise SystemExit(f"{words[0]} ended with {started.returncode}:\n{self.log(words[0])}")
            return says in self.log(words[0])

        until(f"{words[0]} says: {says}", has_said)

    def _stand_ins(self) -> dict[str, str]:
        names = [*PROVIDERS, "events"]
        anywhere = [word for name in names for word in (f"--{name.replace('_', '-')}-addr", "127.0.0.1:0")]
        self.start("sandbox", *anywhere, says="`longshore sandbox fault`")
        return dict(re.findall(r"^(\w+) +(http://127\.0\.0\.1:\d+)$", self.log("sandbox"), re.M))

    def longshore(self, *words) -> subprocess.CompletedProcess:
        return subprocess.run([BINARY, *words], capture_output=True, text=True, env=self.env)

    def job(self, job_id: str) -> dict:
        said = self.longshore("job", job_id, "--json")
        return json.loads(said.stdout) if said.returncode == 0 else {"state": said.stderr}

    def completed(self, job_id: str) -> dict:
        """The job, once it has completed."""

        def ended():
            job = self.job(job_id)
            if job["state"] in ("dead", "cancelled"):
                raise SystemExit(f"{job_id} is {job['state']}: {json.dumps(job, indent=1)}")
            return job if job["state"] == "completed" else None

        return until(f"{job_id} has completed", ended)

    def effects(self, provider: str) -> list:
        with urllib.request.urlopen(f"{self.origins[provider]}/sandbox/ledger") as answer:
            return json.load(answer)
