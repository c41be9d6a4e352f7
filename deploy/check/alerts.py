#!/usr/bin/env python3
"""deploy/prometheus/rules.yaml: by promtool, and over time by rules_test.yaml, in which every alert has to fire once."""

import re

import yaml
from common import ROOT, TOOLS, Findings, run

HERE = ROOT / "deploy/prometheus"
findings = Findings("alerts")
promtool = TOOLS / "bin/promtool"

checked = run(promtool, "check", "rules", HERE / "rules.yaml")
findings.expect(checked.returncode == 0, f"promtool check rules: {checked.stdout}{checked.stderr}")

tests = yaml.safe_load((HERE / "rules_test.yaml").read_text())["tests"]
rules = [rule for group in yaml.safe_load((HERE / "rules.yaml").read_text())["groups"] for rule in group["rules"]]
alerts = {(rule["alert"], rule["labels"]["criticality"]) for rule in rules if "alert" in rule}
fired = set()
for test in tests:
    for expected in test["promql_expr_test"]:
        for sample in expected["exp_samples"]:
            labels = dict(re.findall(r'(\w+)="([^"]*)"', sample["labels"]))
            fired.add((labels["alertname"], labels["criticality"]))
for name, criticality in sorted(alerts - fired):
    findings.expect(False, f"{name} ({criticality}) fires in no scenario of rules_test.yaml")
for name, criticality in sorted(fired - alerts):
    findings.expect(False, f"rules_test.yaml has {name} ({criticality}), and rules.yaml has it not")

tried = run(promtool, "test", "rules", HERE / "rules_test.yaml")
findings.expect(tried.returncode == 0, f"promtool test rules: {tried.stdout}{tried.stderr}")
findings.well(f"{len(alerts)} alerts in {len(tests)} scenarios: each fires in its own, and nothing else with it")
findings.end()
