#!/usr/bin/env python3
"""Installs a fleet on a bare Debian by the systemd part of docs/deploying.md alone, and starts what it starts: in a chroot, in a
network of its own, where api.sendgrid.com is a stand-in with a certificate that this Debian trusts. The profile is production, and
nothing of what is shipped is changed.

What is not as on such a machine: `cargo build` is not run, the binary is there; what `systemctl` would start is started here, as
units_run.py does, since no systemd is booted. Needs root and Debian's debootstrap."""

import http.server
import json
import os
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import image
from common import BINARY, ROOT, Findings, blocks
from run_image import Mail, answers, innermost, until
from units import environment, read
from units_run import ENTER, UID, allowed

findings = Findings("page")
SETTINGS = """
LONGSHORE_EMAIL__FROM__EMAIL=no-reply@example.com
LONGSHORE_EMAIL__TEMPLATES__WELCOME=d-0123456789abcdef0123456789abcdef
LONGSHORE_WEBHOOKS__PUBLIC_URL=https://hooks.example.com
LONGSHORE_PROVIDERS__SENDGRID__WEBHOOK_PUBLIC_KEYS=["%KEY%"]
"""


class Machine:
    """A Debian with a clone in /srv/longshore."""

    def __init__(self, scratch: Path):
        self.root = scratch / "debian"
        subprocess.run(["cp", "--archive", "--reflink=auto", image.debian("trixie"), self.root], check=True)
        self.root.chmod(0o755)
        listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "config", "deploy"], capture_output=True, text=True, check=True)
        for name in listed.stdout.splitlines():
            (self.root / "srv/longshore" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, self.root / "srv/longshore" / name)
        (self.root / "etc/hosts").write_text("127.0.0.1 localhost api.sendgrid.com\n")

    def shell(self, line: str, stdin: str = "") -> subprocess.CompletedProcess:
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        inside = shlex.join(["chroot", str(self.root), "env", "-i", path, "bash", "-c", f"cd /srv/longshore && {line}"])
        mounted = f"mount -t proc proc {self.root}/proc && exec {inside}"
        return subprocess.run(["unshare", "--mount", "sh", "-c", mounted], input=stdin, capture_output=True, text=True, timeout=60)

    def install(self, lines: list[str]) -> list[str]:
        """Does what the page says. Returns the units that it starts."""
        started: list[str] = []
        for line in lines:
            if line.startswith("cargo build --release"):
                place = self.root / "srv/longshore/target/release"
                place.mkdir(parents=True)
                shutil.copy(BINARY, place / "longshore")
            elif line.startswith("systemctl enable --now "):
                started = line.removeprefix("systemctl enable --now ").split()
            elif line != "systemctl daemon-reload":
                done = self.shell(line, stdin="SG.of-nobody")
                findings.expect(done.returncode == 0, f"{line}: {done.stdout}{done.stderr}")
        return started

    def trusts(self, scratch: Path) -> ssl.SSLContext:
        """A certificate for api.sendgrid.com, by an authority that this Debian has been told of."""
        new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-keyout", scratch / "key", "-out", scratch / "pem",
               "-subj", "/CN=api.sendgrid.com", "-addext", "subjectAltName=DNS:api.sendgrid.com", "-addext", "basicConstraints=critical,CA:FALSE"]
        subprocess.run(new, check=True, capture_output=True)
        with (self.root / "etc/ssl/certs/ca-certificates.crt").open("a") as authorities:
            authorities.write((scratch / "pem").read_text())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(scratch / "pem", scratch / "key")
        return context

    def start(self, name: str) -> subprocess.Popen:
        """What systemd would start for a unit that is installed."""
        keys = read(self.root / f"etc/systemd/system/{name}.service")
        credentials = self.root / "run/credentials" / name
        credentials.mkdir(parents=True)
        for line in keys["LoadCredential"]:
            file, _, source = line.partition(":")
            shutil.copy(self.root / source.lstrip("/"), credentials / file)
            os.chown(credentials / file, UID, UID)
            (credentials / file).chmod(0o400)
        env = environment(keys, f"/run/credentials/{name}")
        for line in (self.root / "etc/longshore/longshore.env").read_text().split():
            variable, _, value = line.partition("=")
            env[variable] = value
        families = [int(getattr(socket, family)) for family in keys["RestrictAddressFamilies"][0].split()]
        settings = self.root.parent / f"{name}.json"
        settings.write_text(json.dumps({"uid": UID, "allowed": allowed(keys), "families": families, "root": str(self.root)}))
        command = ["unshare", "--mount", "--", sys.executable, ENTER, settings, *shlex.split(keys["ExecStart"][0])]
        # `/usr/sbin` is where `mount` is, on this side.
        env["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def fleet(machine: Machine, units: list[str], commands: list[str]) -> None:
    processes = {unit: machine.start(unit) for unit in units if not unit.endswith(".timer")}
    operator = " && ".join(commands[:-1])
    try:
        for unit, port in (("longshore-work", 9464), ("longshore-webhooks", 9467)):
            process = processes[unit]
            until(f"{unit} answers", lambda: answers(port) or process.poll() is not None)
            role = unit.removeprefix("longshore-")
            alive = machine.shell(f"{operator} && longshore healthcheck {role}")
            findings.expect(alive.returncode == 0, f"{unit}: {alive.stderr}")
        mail = '{"template":"welcome","to":{"email":"ada@example.com"},"data":{}}'
        job = machine.shell(f"{operator} && longshore enqueue send_email {shlex.quote(mail)} --yes")
        findings.expect(job.returncode == 0, f"enqueue: {job.stderr}")
        if not findings.expect(Mail.seen.wait(30), "the mail did not reach api.sendgrid.com"):
            return
        os.kill(innermost(processes["longshore-work"].pid), signal.SIGTERM)
        findings.expect(processes["longshore-work"].wait(60) == 0, "work did not drain")
        shown = machine.shell(f"{operator} && longshore job {job.stdout.strip()} --json")
        findings.expect('"completed"' in shown.stdout, f"the job: {shown.stdout}{shown.stderr}")
        for timer in (unit for unit in units if unit.endswith(".timer")):
            looked = machine.start(timer.removesuffix(".timer"))
            said, _ = looked.communicate(timeout=60)
            findings.expect("Redis does not let us" not in said and "scripts can write" in said, f"{timer}: {said}")
        looked = machine.shell(f"{operator} && {commands[-1]}")
        findings.expect("scripts can write" in looked.stdout, f"{commands[-1]}: {looked.stdout}{looked.stderr}")
    finally:
        for unit, process in processes.items():
            process.kill()
            said = process.communicate()[0]
            if findings.found:
                print(f"{unit}:\n{said}", file=sys.stderr)


def main() -> None:
    if os.geteuid() != 0:
        raise SystemExit("this mounts and changes users, so it needs root")
    if "--inside" not in sys.argv:
        image.WORK.mkdir(parents=True, exist_ok=True)
        image.debian("trixie")
        inside = f"ip link set lo up && exec {shlex.join([sys.executable, *sys.argv, '--inside'])}"
        os.execvp("unshare", ["unshare", "--net", "sh", "-c", inside])
    with tempfile.TemporaryDirectory() as made:
        scratch = Path(made)
        scratch.chmod(0o755)
        machine = Machine(scratch)
        install, commands = blocks("docs/deploying.md", "systemd")[:2]
        units = machine.install(install)
        example = (ROOT / "deploy/.env.example").read_text().splitlines()
        key = next(line.split("=", 1)[1] for line in example if line.startswith("SENDGRID_WEBHOOK_PUBLIC_KEY="))
        (machine.root / "etc/longshore/longshore.env").write_text(SETTINGS.replace("%KEY%", key))
        mails = http.server.ThreadingHTTPServer(("127.0.0.1", 443), Mail)
        mails.socket = machine.trusts(scratch).wrap_socket(mails.socket, server_side=True)
        threading.Thread(target=mails.serve_forever, daemon=True).start()
        users = machine.root / "etc/longshore/credentials/users.acl"
        redis = subprocess.Popen(["redis-server", ROOT / "deploy/redis/redis.conf", "--aclfile", users, "--dir", scratch], stdout=subprocess.DEVNULL)
        try:
            until("Redis answers", lambda: answers(6379))
            fleet(machine, units, commands)
        finally:
            redis.kill()
            redis.wait()
    findings.well(f"on a bare Debian the page installs and starts {', '.join(units)}: a mail, a drain in the middle of it, doctor")
    findings.end()


if __name__ == "__main__":
    main()
