#!/usr/bin/env python3
"""Runs the producers of docs/wire-form.md and of docs/other-languages.md, with real workers: `check.py [wire] [api] [rust]`, else all. It runs in
the virtual environment that tools.sh makes. The binary is target/debug/longshore, or what LONGSHORE_BINARY names."""

import sys

# The tree stays as it was.
sys.dont_write_bytecode = True

import api
import rust
import wire
from fleet import Fleet

PARTS = {"wire": wire, "api": api, "rust": rust}

wanted = sys.argv[1:] or list(PARTS)
fleet = Fleet()
for name in wanted:
    PARTS[name].all(fleet)
print(f"{sum(PARTS[name].trial.passed for name in wanted)} passed, 0 failed")
