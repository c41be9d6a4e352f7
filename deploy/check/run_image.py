"""Runs an image that image.py has built: it has to be alive, to do a job, and to end with it when it is told to stop."""

import http.server
import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

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
    with tempfile.TemporaryDirectory() as scratch:
        port = free_port()
        redis = subprocess.Popen(
            ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", scratch, "--save", "", "--appendonly", "yes"],
            stdout=subprocess.DEVNULL,
        )
        mails = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mail)
        threading.Thread(target=mails.serve_forever, daemon=True).start()
        try:
            checked(root, image, port, mails.server_address[1], has_sandbox)
        finally:
            redis.kill()
            redis.wait()
            mails.shutdown()


def checked(root: Path, image, redis: int, mails: int, has_sandbox: bool) -> None:
    health = free_port()
    staging = {
        "LONGSHORE_PROFILE": "staging",
        "LONGSHORE_REDIS__URL": f"redis://127.0.0.1:{redis}",
        "LONGSHORE_WORKER__HTTP_ADDR": f"0.0.0.0:{health}",
        "LONGSHORE_PROVIDERS__SENDGRID__API_KEY": "SG.of-nobody",
        "LONGSHORE_PROVIDERS__SENDGRID__BASE_URL": f"http://127.0.0.1:{mails}",
        "LONGSHORE_EMAIL__TEMPLATES__WELCOME": "d-0123456789abcdef0123456789abcdef",
    }

    def command(arguments: list[str], variables: dict[str, str]) -> dict:
        env = {**image.env, **variables, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        inside = [sys.executable, str(ENTER), str(root), image.user, *arguments]
        return {"args": ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--", *inside], "env": env, "text": True}

    def ran(arguments: list[str], variables: dict[str, str], code: int = 0) -> subprocess.CompletedProcess:
        done = subprocess.run(**command(arguments, variables), capture_output=True)
        if done.returncode != code:
            raise SystemExit(f"{arguments} ended with {done.returncode}, not {code}:\n{done.stdout}{done.stderr}")
        return done

    longshore = image.entrypoint
    # As it comes, with nothing but a key: the production profile.
    said = ran([*longshore, "config", "check"], {"SENDGRID_API_KEY": "SG.of-nobody"})
    print(said.stdout, file=sys.stderr)
    if not has_sandbox:
        ran([*longshore, "sandbox"], staging, code=2)
    until("Redis answers", lambda: answers(redis))
    ran(image.healthcheck, staging, code=1)

    work = subprocess.Popen(**command([*longshore, *image.cmd], staging), stderr=subprocess.PIPE)
    log: list[str] = []
    threading.Thread(target=lambda: log.extend(work.stderr), daemon=True).start()
    try:
        until("its port answers", lambda: answers(health) or work.poll() is not None)
        ran(image.healthcheck, staging)
        inner = int(Path(f"/proc/{work.pid}/task/{work.pid}/children").read_text().split()[0])
        looks_as_it_should(inner, image)
        mail = json.dumps({"template": "welcome", "to": {"email": "ada@example.com"}, "data": {}})
        job = ran([*longshore, "enqueue", "send_email", mail], staging).stdout.strip()
        if not Mail.seen.wait(30):
            raise SystemExit("the job's mail was not sent")
        subprocess.run(["kill", "-s", image.stop_signal.removeprefix("SIG"), str(inner)], check=True)
        code = work.wait(60)
        if code != 0 or Mail.answered != 1:
            raise SystemExit(f"it ended with {code}, {Mail.answered} mails:\n{''.join(log)}")
        shown = json.loads(ran([*longshore, "job", job, "--json"], staging).stdout)
        if shown["state"] != "completed":
            raise SystemExit(f"the job that was running is {shown['state']}")
        ran(image.healthcheck, staging, code=1)
    finally:
        if work.poll() is None:
            work.send_signal(signal.SIGKILL)
            print("".join(log), file=sys.stderr)


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
