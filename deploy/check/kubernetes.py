#!/usr/bin/env python3
"""deploy/kubernetes: built by kubectl; by the schemas of Kubernetes and of KEDA; what refers to each other does; the
settings and command lines by the binary; KEDA's queries over time by promtool."""

import json
import re
import subprocess
import sys

import kubernetes_validate
import yaml
from cloudcoil.models.keda.v1alpha1 import ScaledObject
from common import ROOT, TOOLS, Findings, config_check, roles, run, setting, understood

HERE = ROOT / "deploy/kubernetes"
# The oldest that has what we use (a preStop that sleeps is 1.30's), and the newest that the tool knows.
VERSIONS = ["1.30", "1.37"]
findings = Findings("kubernetes")


def built(directory: str) -> list[dict]:
    made = run(TOOLS / "bin/kubectl", "kustomize", HERE / directory)
    if not findings.expect(made.returncode == 0, f"kubectl kustomize {directory}: {made.stderr}"):
        findings.end()
    findings.expect(not made.stderr, f"kubectl kustomize {directory}: {made.stderr}")
    return list(yaml.safe_load_all(made.stdout))


def of(kind: str, objects: list[dict]) -> dict[str, dict]:
    return {item["metadata"]["name"]: item for item in objects if item["kind"] == kind}


def by_schemas(objects: list[dict]) -> None:
    for item in objects:
        name = f"{item['kind']} {item['metadata']['name']}"
        if item["kind"] == "ScaledObject":
            try:
                ScaledObject.model_validate(item, strict=True, extra="forbid")
            except ValueError as error:
                findings.expect(False, f"{name}: KEDA's schema: {error}")
            continue
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(item, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                findings.expect(False, f"{name}: Kubernetes {version}: {error.message} at {list(error.path)}")


def matches(selector: dict, labels: dict) -> bool:
    return all(labels.get(key) == value for key, value in selector["matchLabels"].items())


def related(objects: list[dict]) -> None:
    deployments = of("Deployment", objects)
    maps, accounts = of("ConfigMap", objects), of("ServiceAccount", objects)
    findings.expect(set(deployments) == {f"longshore-{role}" for role in roles()}, f"the roles are {roles()}: {set(deployments)}")
    for name, deployment in deployments.items():
        template = deployment["spec"]["template"]
        labels, pod = template["metadata"]["labels"], template["spec"]
        findings.expect(matches(deployment["spec"]["selector"], labels), f"{name} does not select its own pods")
        [container] = pod["containers"]
        role, ports = container["args"][0], {port["name"]: port["containerPort"] for port in container["ports"]}
        understood(findings, name, container["args"])
        env = {}
        for source in container["envFrom"]:
            env |= maps[source["configMapRef"]["name"]]["data"]
        [volume] = [volume for volume in pod["volumes"] if "secret" in volume]
        findings.expect(volume["secret"]["secretName"] == name, f"{name} has another role's secrets, and its user at Redis: {volume}")
        config_check(findings, name, env, container["volumeMounts"][0]["mountPath"])
        key = "worker.http_addr" if role == "work" else f"{role}.private_addr"
        health = int(str(setting(key, env)).rsplit(":", 1)[1])
        findings.expect(ports["health"] == health, f"{name}: its health is at {health}")
        findings.expect(template["metadata"]["annotations"]["prometheus.io/port"] == str(health), f"{name}: is scraped elsewhere")
        for probe, path in (("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
            asked = container[probe]["httpGet"]
            findings.expect(asked == {"path": path, "port": "health"}, f"{name}: {probe} asks {asked}")
        grace = pod["terminationGracePeriodSeconds"]
        slept = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        drain = setting("worker.drain_seconds", env) + slept
        findings.expect(grace >= drain + 10, f"{name}: {grace} s of grace, and {drain} s to drain")
        findings.expect(pod["serviceAccountName"] in accounts, f"{name}: no service account")
        findings.expect(pod["automountServiceAccountToken"] is False, f"{name} has a token")
        for kind in ("PodDisruptionBudget", "NetworkPolicy"):
            field = "selector" if kind == "PodDisruptionBudget" else "podSelector"
            hits = [item for item in of(kind, objects).values() if matches(item["spec"][field], labels)]
            findings.expect(len(hits) == 1, f"{name} has {len(hits)} of {kind}")
    for name, service in of("Service", objects).items():
        selector = {"matchLabels": service["spec"]["selector"]}
        hits = [d for d in deployments.values() if matches(selector, d["spec"]["template"]["metadata"]["labels"])]
        findings.expect(len(hits) == 1, f"the Service {name} leads to {len(hits)} deployments")
    for name, scaled in of("ScaledObject", objects).items():
        target = deployments.get(scaled["spec"]["scaleTargetRef"]["name"], {"spec": {"replicas": 0}})
        findings.expect("replicas" not in target["spec"], f"the ScaledObject {name} and its Deployment both say how many")
        least = scaled["spec"]["minReplicaCount"]
        findings.expect(least >= 1, f"the ScaledObject {name} may take all workers away")


def scaling(objects: list[dict]) -> None:
    """The queries of the ScaledObject as rules, over what scaling_test.yaml says there is."""
    [scaled] = of("ScaledObject", objects).values()
    rules = [
        {"record": f"keda:{trigger['name']}", "expr": trigger["metadata"]["query"]} for trigger in scaled["spec"]["triggers"]
    ]
    there = TOOLS / "keda"
    there.mkdir(exist_ok=True)
    (there / "scaling.yaml").write_text(yaml.safe_dump({"groups": [{"name": "keda", "rules": rules}]}))
    (there / "scaling_test.yaml").write_text((HERE / "keda/scaling_test.yaml").read_text())
    done = run(TOOLS / "bin/promtool", "test", "rules", there / "scaling_test.yaml")
    findings.expect(done.returncode == 0, f"KEDA's queries: {done.stdout}{done.stderr}")
    findings.well(f"{len(rules)} queries for KEDA answer what they should, by promtool")


base, example = built("base"), built("overlays/example")
for objects in (base, example):
    by_schemas(objects)
related(example)
scaling(example)
findings.well(
    f"{len(example)} objects, good by the schemas of Kubernetes {' and '.join(VERSIONS)} and KEDA, and by the binary's settings"
)
findings.end()
