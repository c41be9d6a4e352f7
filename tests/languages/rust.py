"""Runs examples/producer.rs over TLS, as docs/other-languages.md has it."""

from fleet import ROOT, Fleet
from trial import Trial

trial = Trial("rust")


def all(fleet: Fleet) -> None:
    env = {"REDIS_URL": fleet.url(), "REDIS_CA": str(fleet.ca)}
    came = trial.run(ROOT / "target/debug/producer", cwd=fleet.dir, env=env)
    trial.well("a mail is sent over TLS, and another taken back", came == "completed\ncancelled\n", came)
