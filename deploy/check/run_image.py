"""Runs an image that image.py has built: it has to be alive, to do a job, and to end with it when it is told to stop."""

import contextlib
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import common

ENTER = Path(__file__).with_name("enter_image.py")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def until(what: str, holds, seconds: float = 30):
    """Waits for something, and says what did not come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.05)
    raise SystemExit(f"within {seconds:.0f} s it did not come true: {what}")


class Mail(http.server.BaseHTTPRequestHandler):
    """Takes mails as SendGrid does, and takes its time, so that a stop comes in the middle of a call."""

    seen = threading.Event()
    answered = 0

    def do_POST(self):  # noqa: N802
        self.rfile.read(int(self.headers.get("content-length", 0)))
        Mail.seen.set()
        time.sleep(2)
        Mail.answered += 1
        self.send_response(202)
        self.send_header("X-Message-Id", "one")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def check(root: Path, image, has_sandbox: bool) -> None:
    def command(arguments: list[str], variables: dict[str, str]) -> dict:
        env = {**image.env, **variables, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        inside = [sys.executable, str(ENTER), str(root), image.user, *arguments]
        return {"args": ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--", *inside], "env": env}

    uid = image.user.split(":")[0]
    if not uid.isdigit() or int(uid) == 0:
        raise SystemExit(f"its user is {image.user or 'not said'}: say one that is not root, as a number")
    trial = Trial(command, image.entrypoint)
    # As it comes, with nothing but a key: the production profile.
    said = trial.ran([*image.entrypoint, "config", "check"], {"SENDGRID_API_KEY": "SG.of-nobody"})
    print(said.stdout, file=sys.stderr)
    with services() as (redis, mails):
        staging = {
            "LONGSHORE_PROFILE": "staging",
            "LONGSHORE_REDIS__URL": redis["worker"],
            "LONGSHORE_PROVIDERS__SENDGRID__API_KEY": "SG.of-nobody",
            **beside(mails),
        }
        if not has_sandbox:
            trial.ran([*image.entrypoint, "sandbox"], staging, code=2)
        as_operator = {**staging, "LONGSHORE_REDIS__URL": redis["operator"]}
        looks = lambda pid: looks_as_it_should(pid, image)  # noqa: E731
        trial.drains(image.cmd, image.healthcheck, staging, as_operator, image.stop_signal, looks)


def beside(mails: int) -> dict[str, str]:
    """What a fleet needs to send a mail to the stand-in."""
    return {
        "LONGSHORE_WORKER__HTTP_ADDR": f"0.0.0.0:{free_port()}",
        "LONGSHORE_PROVIDERS__SENDGRID__BASE_URL": f"http://127.0.0.1:{mails}",
        "LONGSHORE_EMAIL__TEMPLATES__WELCOME": "d-0123456789abcdef0123456789abcdef",
    }


@contextlib.contextmanager
def services():
    """The URLs of the users of a Redis, as both are shipped, and the port of a stand-in for SendGrid."""
    with tempfile.TemporaryDirectory() as scratch:
        port = free_port()
        users = common.redis_users(Path(scratch) / "users", f"127.0.0.1:{port}", "longshore-staging")
        redis = subprocess.Popen(
            ["redis-server", common.ROOT / "deploy/redis/redis.conf", "--aclfile", f"{scratch}/users/users.acl",
             "--port", str(port), "--bind", "127.0.0.1", "--dir", scratch],
            stdout=subprocess.DEVNULL,
        )
        mails = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mail)
        threading.Thread(target=mails.serve_forever, daemon=True).start()
        try:
            until("Redis answers", lambda: answers(port))
            yield users, mails.server_address[1]
        finally:
            redis.kill()
            redis.wait()
            mails.shutdown()


class Trial:
    """A binary in the place that it is made for; `command` says how a command line gets there."""

    def __init__(self, command, longshore: list[str]):
        self.command, self.longshore = command, longshore

    def ran(self, arguments: list[str], variables: dict[str, str], code: int = 0) -> subprocess.CompletedProcess:
        done = subprocess.run(**self.command(arguments, variables), capture_output=True, text=True, timeout=60)
        if done.returncode != code:
            raise SystemExit(f"{arguments} ended with {done.returncode}, not {code}:\n{done.stdout}{done.stderr}")
        return done

    def drains(self, arguments: list[str], health: list[str], env: dict[str, str], as_operator: dict[str, str], stop: str, looks) -> None:
        """It is alive, does a job, and ends with it when it is told to stop in the middle of it. The job is an operator's."""
        Mail.seen.clear()
        Mail.answered = 0
        self.ran(health, env, code=1)
        work = subprocess.Popen(**self.command([*self.longshore, *arguments], env), stderr=subprocess.PIPE, text=True)
        log: list[str] = []
        threading.Thread(target=lambda: log.extend(work.stderr), daemon=True).start()
        port = int(env["LONGSHORE_WORKER__HTTP_ADDR"].rsplit(":", 1)[1])
        try:
            until("its port answers", lambda: answers(port) or work.poll() is not None)
            self.ran(health, env)
            inner = innermost(work.pid)
            looks(inner)
            mail = json.dumps({"template": "welcome", "to": {"email": "ada@example.com"}, "data": {}})
            job = self.ran([*self.longshore, "enqueue", "send_email", mail], as_operator).stdout.strip()
            if not Mail.seen.wait(30):
                raise SystemExit("the job's mail was not sent")
            subprocess.run(["kill", "-s", stop.removeprefix("SIG"), str(inner)], check=True)
            code = work.wait(60)
            if code != 0 or Mail.answered != 1:
                raise SystemExit(f"it ended with {code}, {Mail.answered} mails:\n{''.join(log)}")
            shown = json.loads(self.ran([*self.longshore, "job", job, "--json"], as_operator).stdout)
            if shown["state"] != "completed":
                raise SystemExit(f"the job that was running is {shown['state']}")
            self.ran(health, env, code=1)
        finally:
            if work.poll() is None:
                # Itself, since `unshare --kill-child` is forgotten by a process that changes its user.
                os.kill(innermost(work.pid), signal.SIGKILL)
                work.wait(10)
            if sys.exc_info()[0]:
                print("".join(log), file=sys.stderr)


def innermost(pid: int) -> int:
    """What `unshare --fork` has begun, or the process itself."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else pid


def answers(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def looks_as_it_should(pid: int, image) -> None:
    """By what the kernel says of the process."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    uid = image.user.split(":")[0]
    for name, wanted in (("Uid", [uid] * 4), ("CapEff", ["0" * 16]), ("CapBnd", ["0" * 16]), ("NoNewPrivs", ["1"])):
        if status[name].split() != wanted:
            raise SystemExit(f"{name} of the process is {status[name]}")
    try:
        Path(f"/proc/{pid}/root/tmp/written").write_text("")
    except OSError:
        return
    raise SystemExit("its root can be written to")
