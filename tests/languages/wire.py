"""Runs the producers of docs/wire-form.md against a Redis with TLS, as the user that the page makes, with real workers: their jobs are
carried out, now and at their time; a call that is repeated is one job; what is too large is refused; the user can read nothing. And on
a Redis Cluster of one node."""

import json
import re
import sys
import textwrap
from datetime import datetime

from fleet import Fleet, free_port, until
from trial import TOOLS, Trial, programs, read

PAGE = "wire-form.md"
PYTHON, NODE = TOOLS / "wire-python", TOOLS / "wire"
trial = Trial("wire")
well = trial.well


def python(program: str, *more, **kwargs) -> list[str]:
    inline = ["-c", textwrap.dedent(program)]
    return trial.run(sys.executable, *(inline if "\n" in program else [program]), *more, cwd=PYTHON, **kwargs).splitlines()


def node(program: str, *more, **kwargs) -> list[str]:
    inline = ["--input-type=module", "-e", textwrap.dedent(program), "--"]
    return trial.run("node", *(inline if "\n" in program else [program]), *more, cwd=NODE, **kwargs).splitlines()


def make_user(fleet: Fleet) -> str:
    """The user of the page, for its two queues. Its part of the URL."""
    line = re.search(r"ACL SETUSER shop on .*?\n\n", read(PAGE), re.S)[0]
    words = line.replace("PASSWORD", "secret").split()
    sms = [word.replace(":email}", ":sms}") for word in words if ":email}" in word]
    well("the user of the page can be made", fleet.redis(*words, *sms) == "OK", words)
    return "shop:secret@"


def examples(fleet: Fleet, language: str, said: list[str]) -> None:
    """What the page's programs print: a mail for now, and a text for two seconds later."""
    mail, text = said
    now = fleet.completed(mail)
    well(f"{language}: the mail is sent", now["kind"] == "send_email")
    later = fleet.completed(text)
    ended = datetime.fromisoformat(later["history"][-1]["time"])
    waited = (ended - datetime.fromisoformat(now["enqueued_at"])).total_seconds()
    well(f"{language}: the text is sent at its time, not before", 1.9 < waited, waited)
    sent = [effect["job"] for name in ("sendgrid", "twilio") for effect in fleet.effects(name)]
    well(f"{language}: each was sent once", (sent.count(mail), sent.count(text)) == (1, 1), sent)


AGAIN = {
    "python": """
        import os, sys
        from redis import Redis
        from longshore import enqueue
        redis = Redis.from_url(os.environ["REDIS_URL"], ssl_ca_certs=os.environ["REDIS_CA"])
        mail = {"template": "welcome", "to": {"email": "bo@example.com"}, "data": {}}
        id = enqueue(redis, "email", "send_email", mail)
        for _ in range(3):
            assert enqueue(redis, "email", "send_email", mail, id=id) == id
        print(id)
        for wrong in ({"x": "y" * 262144}, {"x": float("nan")}):
            try:
                enqueue(redis, "email", "send_email", {**mail, "data": wrong})
                sys.exit("accepted")
            except ValueError as error:
                print(error)
        try:
            sys.exit(redis.hget("{longshore:email}:data", id))
        except Exception as error:
            print(error)
    """,
    "node": """
        import { readFileSync } from "node:fs";
        import { createClient } from "redis";
        import { enqueue } from "./longshore.mjs";
        const { REDIS_URL: url, REDIS_CA: ca } = process.env;
        const redis = await createClient({ url, socket: { tls: true, ca: readFileSync(ca) } }).connect();
        const mail = { template: "welcome", to: { email: "bo@example.com" }, data: {} };
        const id = await enqueue(redis, "email", "send_email", mail);
        for (let n = 0; n < 3; n += 1) await enqueue(redis, "email", "send_email", mail, { id });
        console.log(id);
        const large = enqueue(redis, "email", "send_email", { ...mail, data: { x: "y".repeat(262144) } });
        await large.then(() => process.exit(1), (error) => console.log(error.message));
        await redis.hGet("{longshore:email}:data", id).then(() => process.exit(1), (error) => console.log(error.message));
        redis.destroy();
    """,
}


def repeated(fleet: Fleet, language: str, said: list[str]) -> None:
    job_id, *refused = said
    fleet.completed(job_id)
    sent = [effect["job"] for effect in fleet.effects("sendgrid")]
    well(f"{language}: a call that is repeated is one job", sent.count(job_id) == 1, sent)
    well(f"{language}: what is too large is refused", "bytes; put large content into a bucket" in refused[0], refused)
    well(f"{language}: what others wrote cannot be read", "NOPERM" in refused[-1] or "no permissions" in refused[-1], refused)


CLUSTER = {
    "python": """
        import sys
        from redis.cluster import RedisCluster
        from longshore import enqueue
        redis = RedisCluster.from_url(sys.argv[1])
        print(enqueue(redis, "email", "send_email", {}))
    """,
    "node": """
        import { createCluster } from "redis";
        import { enqueue } from "./longshore.mjs";
        const redis = createCluster({ rootNodes: [{ url: process.argv[1] }] });
        await redis.connect();
        console.log(await enqueue(redis, "email", "send_email", {}));
        redis.destroy();
    """,
}


def cluster(fleet: Fleet) -> None:
    port, bus = free_port(), free_port()
    directory = fleet.dir / "cluster"
    directory.mkdir()
    # Without a port of its own for the bus, it is 10,000 higher, which is not always one.
    fleet.spawn(["redis-server", "--port", port, "--cluster-port", bus, "--bind", "127.0.0.1", "--cluster-enabled", "yes", "--save", "",
                 "--dir", directory], "cluster")
    until("a cluster's node answers", lambda: fleet.redis("PING", port=port) == "PONG")
    fleet.redis("CLUSTER", "ADDSLOTSRANGE", 0, 16383, port=port)
    until("the cluster is there", lambda: "cluster_state:ok" in fleet.redis("CLUSTER", "INFO", port=port))
    url = f"redis://127.0.0.1:{port}"
    ids = [*python(CLUSTER["python"], url), *node(CLUSTER["node"], url)]
    waiting = fleet.redis("LRANGE", "{longshore:email}:active", 0, -1, port=port).split()
    well("both push to a cluster", waiting == ids, (waiting, ids))


def all(fleet: Fleet) -> None:
    names = programs(PAGE, PYTHON) | programs(PAGE, NODE)
    well("the page has its four programs", names == {"longshore.py", "welcome.py", "longshore.mjs", "welcome.mjs"}, names)
    env = {"REDIS_URL": fleet.url(make_user(fleet)), "REDIS_CA": str(fleet.ca)}
    said = {"python": python("welcome.py", env=env), "node": node("welcome.mjs", env=env)}
    again = {"python": python(AGAIN["python"], env=env), "node": node(AGAIN["node"], env=env)}
    for language in said:
        examples(fleet, language, said[language])
        repeated(fleet, language, again[language])
    cluster(fleet)
    doctor = json.loads(fleet.longshore("doctor", "--json").stdout)
    amiss = [finding for finding in doctor if finding["check"] in ("producers", "keys", "kinds") and finding["status"] != "ok"]
    well("doctor finds nothing wrong with what they wrote", not amiss, amiss)
