#!/usr/bin/env python3
"""deploy/grafana: its dashboards by Grafana's own types. And every metric and label that a dashboard, an alert or a query for KEDA
names is in a real scrape of a fleet that works and fails."""

import json
import re

import promql_parser
import yaml
from common import ROOT, TOOLS, Findings, run
from scrape import scraped, series

HERE = ROOT / "deploy/grafana"
# What Prometheus adds.
ADDED = {"instance", "job", "le", "alertname", "alertstate", "__name__"}
findings = Findings("dashboards")


def by_types(dashboards: dict[str, dict]) -> None:
    """tsc takes each for what Grafana's types say, with no more and no less in it."""
    there = TOOLS / "npm/dashboards"
    there.mkdir(exist_ok=True)
    (there / "dashboards.ts").write_text((ROOT / "deploy/check/dashboards.ts").read_text())
    for name, dashboard in dashboards.items():
        text = json.dumps(dashboard, indent=1)
        (there / f"{name}.ts").write_text(f'import type {{ Shipped }} from "./dashboards";\nexport const it: Shipped = {text};\n')
    options = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler"]
    done = run("node", TOOLS / "npm/node_modules/typescript/bin/tsc", *options, *there.glob("*.ts"), cwd=there)
    findings.expect(done.returncode == 0, f"Grafana's types: {done.stdout[:3000]}{done.stderr}")


class Named:
    """What an expression names: metrics with the labels and values that it wants of them, and the labels that it ends with."""

    def __init__(self, expr: str):
        self.metrics: list[tuple[str, list]] = []
        self.grouped: set[str] = set()
        self.walk(promql_parser.parse(expr))

    def walk(self, node) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            matchers = list(node.matchers.matchers)
            named = node.name or next((m.value for m in matchers if m.name == "__name__"), None)
            self.metrics.append((named, matchers))
        for field in ("expr", "lhs", "rhs", "param", "vector_selector", "vs"):
            if (inner := getattr(node, field, None)) is not None and not isinstance(inner, (str, int, float)):
                self.walk(inner)
        for inner in getattr(node, "args", None) or []:
            self.walk(inner)
        for what in (getattr(node, "modifier", None), getattr(getattr(node, "modifier", None), "matching", None)):
            self.grouped |= set(getattr(what, "labels", None) or [])


def plain(expr: str) -> str:
    """With a value for what Grafana puts in."""
    return expr.replace("$__rate_interval", "5m").replace('"$queue"', '"email"').replace('"$provider"', '"sendgrid"')


recorded = {rule["record"] for group in yaml.safe_load((ROOT / "deploy/prometheus/rules.yaml").read_text())["groups"]
            for rule in group["rules"] if "record" in rule}


def is_there(what: str, expr: str, known: dict) -> int:
    named = Named(plain(expr))
    findings.expect(named.metrics, f"{what}: names no metric: {expr}")
    labels = set()
    for metric, matchers in named.metrics:
        if metric == "ALERTS" or metric in recorded:
            labels |= {"provider", "severity", "criticality", "queue"}
            continue
        if not findings.expect(metric in known, f"{what}: no scrape has {metric}"):
            continue
        labels |= known[metric].keys()
        for matcher in matchers:
            value, name = matcher.value, matcher.name
            if not findings.expect(name in known[metric].keys() | ADDED, f"{what}: {metric} has no label {name}"):
                continue
            exact = str(matcher.op).endswith("Equal") and name in ("state", "outcome")
            findings.expect(not exact or value in known[metric][name], f'{what}: {metric} has no {name}="{value}"')
    for label in named.grouped - labels - ADDED:
        findings.expect(False, f"{what}: nothing in it has the label {label}: {expr}")
    return len(named.metrics)


def dashboard_queries(name: str, dashboard: dict, known: dict) -> int:
    count = 0
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            what = f"{name}: {panel['title']}"
            count += is_there(what, target["expr"], known)
            for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
                by = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", target["expr"]))))
                findings.expect(label in by, f"{what}: its legend has {label}, and its query drops it")
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"]).groups()
            findings.expect(label in known.get(metric, {}), f"{name}: no scrape has {metric} with {label}")
    return count


made = run("python3", HERE / "make.py", "--check")
findings.expect(made.returncode == 0, made.stderr.strip())
dashboards = {path.stem: json.loads(path.read_text()) for path in sorted((HERE / "dashboards").glob("*.json"))}
for name, dashboard in dashboards.items():
    findings.expect(dashboard["uid"] == name, f"{name} has another uid")
by_types(dashboards)
findings.well(f"{len(dashboards)} dashboards are as Grafana's types want them")

known = series(scraped())
# Which no scrape of a small fleet has: they count what it cannot be made to do in seconds. Their names and labels are those of
# the exposition's own test.
for line in (ROOT / "crates/worker/src/metrics/names.txt").read_text().splitlines():
    for rare in ("longshore_outcomes_refused_total", "longshore_payload_newer_total"):
        if line.startswith(rare + "{"):
            known.setdefault(rare, {label: set() for label in re.findall(r'(\w+)=""', line)})
count = sum(dashboard_queries(name, dashboard, known) for name, dashboard in dashboards.items())
for group in yaml.safe_load((ROOT / "deploy/prometheus/rules.yaml").read_text())["groups"]:
    for rule in group["rules"]:
        count += is_there(rule.get("alert", rule.get("record")), rule["expr"], known)
[scaled] = yaml.safe_load_all((ROOT / "deploy/kubernetes/keda/scaled-object.yaml").read_text())
for trigger in scaled["spec"]["triggers"]:
    count += is_there(f"KEDA's {trigger['name']}", trigger["metadata"]["query"], known)
findings.well(f"{count} selectors of dashboards, alerts and KEDA's queries: each metric and label is in a real scrape")
findings.end()
