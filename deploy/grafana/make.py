#!/usr/bin/env python3
"""Writes dashboards/*.json, which Grafana provisions: `make.py` writes them, `make.py --check` says whether they are as written.

Every process reports the same numbers about Redis, so these are taken as `max by`, never as `sum`; counters belong to one
process each, and are summed. `just deploy-check dashboards` finds every metric and label that is named here in a real scrape."""

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent / "dashboards"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
GREEN, YELLOW, RED = "green", "yellow", "red"
BY_QUEUE = "max by (queue) "


def query(expr: str, legend: str = "", instant: bool = False, table: bool = False) -> dict:
    return {
        "datasource": SOURCE, "expr": expr, "legendFormat": legend or "__auto", "instant": instant, "range": not instant,
        "format": "table" if table else "time_series",
    }


def steps(*at: tuple[float | None, str]) -> dict:
    return {"mode": "absolute", "steps": [{"value": value, "color": color} for value, color in at]}


def panel(kind: str, title: str, targets: list[dict], defaults: dict, options: dict, says: str, w: int, h: int, overrides=()) -> dict:
    for letter, target in zip("ABCDEFGHIJ", targets):
        target["refId"] = letter
    return {
        "type": kind, "title": title, "description": says, "datasource": SOURCE, "targets": targets, "options": options,
        "fieldConfig": {"defaults": defaults, "overrides": list(overrides)}, "gridPos": {"h": h, "w": w, "x": 0, "y": 0},
    }


def stat(title: str, expr: str, says: str, unit: str = "short", at=((None, GREEN),), words: dict | None = None, w: int = 4) -> dict:
    defaults = {"unit": unit, "thresholds": steps(*at), "color": {"mode": "thresholds"}}
    if words:
        mapped = {value: {"text": text, "color": color, "index": i} for i, (value, (text, color)) in enumerate(words.items())}
        defaults["mappings"] = [{"type": "value", "options": mapped}]
    options = {
        "colorMode": "value", "graphMode": "area", "justifyMode": "auto", "textMode": "auto", "wideLayout": True,
        "showPercentChange": False, "percentChangeColorMode": "standard", "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
    return panel("stat", title, [query(expr)], defaults, options, says, w, 4)


def lines(title: str, says: str, *targets: tuple[str, str], unit: str = "short", stacked: bool = False, w: int = 12) -> dict:
    custom = {
        "drawStyle": "line", "lineInterpolation": "linear", "lineWidth": 1, "fillOpacity": 20 if stacked else 5, "showPoints": "never",
        "spanNulls": False, "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
    }
    defaults = {"unit": unit, "min": 0, "custom": custom, "color": {"mode": "palette-classic"}}
    options = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return panel("timeseries", title, [query(*target) for target in targets], defaults, options, says, w, 8)


def states(title: str, says: str, expr: str, legend: str, words: dict[str, tuple[str, str]], w: int = 12) -> dict:
    mapped = {value: {"text": text, "color": color, "index": i} for i, (value, (text, color)) in enumerate(words.items())}
    defaults = {
        "mappings": [{"type": "value", "options": mapped}], "custom": {"fillOpacity": 70, "lineWidth": 0},
        "color": {"mode": "thresholds"}, "thresholds": steps((None, GREEN)),
    }
    options = {
        "showValue": "never", "rowHeight": 0.8, "mergeValues": True, "alignValue": "left",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return panel("state-timeline", title, [query(expr, legend)], defaults, options, says, w, 8)


def table(title: str, says: str, columns: list[tuple[str, str]], by: str, hidden=(), w: int = 24, unit: str = "short") -> dict:
    """Instant values, a column each, joined by a label."""
    targets = [query(expr, instant=True, table=True) for expr, _ in columns]
    names = {f"Value #{letter}": name for letter, (_, name) in zip("ABCDEFGHIJ", columns)}
    if len(columns) == 1:
        names = {"Value": columns[0][1]}
    organized = {
        "excludeByName": {"Time": True, **{name: True for name in hidden}},
        "indexByName": {by: 0}, "renameByName": names,
    }
    made = panel(
        "table", title, targets, {"unit": unit, "custom": {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False}},
        {"showHeader": True, "cellHeight": "sm", "frameIndex": 0}, says, w, 8,
    )
    made["transformations"] = [{"id": "merge", "options": {}}, {"id": "organize", "options": organized}]
    return made


def variable(name: str, label: str, of: str) -> dict:
    return {
        "name": name, "label": label, "type": "query", "datasource": SOURCE, "refresh": 2, "sort": 1, "multi": False,
        "includeAll": False, "query": {"query": of, "refId": name}, "hide": 0,
    }


def dashboard(uid: str, title: str, says: str, panels: list[dict], variables: list[dict]) -> dict:
    x = y = tallest = 0
    for number, each in enumerate(panels, 1):
        at = each["gridPos"]
        if x + at["w"] > 24:
            x, y, tallest = 0, y + tallest, 0
        at["x"], at["y"] = x, y
        each["id"] = number
        x, tallest = x + at["w"], max(tallest, at["h"])
    source = {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "hide": 0, "refresh": 1}
    others = {
        "title": "Longshore", "type": "dashboards", "tags": ["longshore"], "asDropdown": False, "icon": "", "includeVars": True,
        "keepTime": True, "targetBlank": False, "tooltip": "", "url": "",
    }
    return {
        "uid": uid, "title": title, "description": says, "tags": ["longshore"], "editable": True, "graphTooltip": 1,
        "schemaVersion": 41, "version": 1, "refresh": "30s", "timezone": "browser", "time": {"from": "now-6h", "to": "now"},
        "links": [others], "annotations": {"list": []}, "templating": {"list": [source, *variables]}, "panels": panels,
    }


PAUSED = {"0": ("works", GREEN), "1": ("paused", YELLOW)}
YES = {"0": ("no", GREEN), "1": ("yes", RED)}
GOOD = {"0": ("no", RED), "1": ("yes", GREEN)}
BREAKER = {"0": ("closed", GREEN), "1": ("half-open", YELLOW), "2": ("open", RED)}
RATE = "[$__rate_interval]"


def quantiles(metric: str, where: str, by: str = "") -> list[tuple[str, str]]:
    of = f"le, {by}" if by else "le"
    legend = f"{{{{{by}}}}} " if by else ""
    return [
        (f"histogram_quantile({q}, sum by ({of}) (rate({metric}_bucket{{{where}}}{RATE})))", f"{legend}p{int(q * 100)}")
        for q in (0.5, 0.99)
    ]


def fleet() -> dict:
    alerts = table(
        "Alerts", "What fires now; docs/runbook.md has a section for each.",
        [('ALERTS{alertname=~"Longshore.*",alertstate="firing"}', "firing")], "alertname",
        hidden=("__name__", "alertstate", "instance", "job"), w=24,
    )
    queues = table(
        "Queues", "As they are now.",
        [
            (BY_QUEUE + '(longshore_jobs{state="pending"})', "pending"), (BY_QUEUE + '(longshore_jobs{state="scheduled"})', "scheduled"),
            (BY_QUEUE + '(longshore_jobs{state="running"})', "running"), (BY_QUEUE + '(longshore_jobs{state="retryable"})', "retryable"),
            (BY_QUEUE + '(longshore_jobs{state="dead"})', "dead"), (BY_QUEUE + "(longshore_workers)", "workers"),
            (BY_QUEUE + "(longshore_latency_seconds)", "oldest pending, s"), (BY_QUEUE + "(longshore_paused)", "paused"),
        ], "queue",
    )
    return dashboard("longshore-fleet", "Longshore: the fleet", "All queues, and what needs attention first.", [
        stat("Processes", "count(count by (instance) (longshore_workers))", "`work` processes that are scraped.",
             at=((None, RED), (1, YELLOW), (2, GREEN))),
        stat("Pending", 'sum(max by (queue) (longshore_jobs{state="pending"}))', "Jobs that are due and wait for a worker."),
        stat("Oldest pending", "max(longshore_latency_seconds)", "How long the oldest of them has waited.", "s",
             ((None, GREEN), (60, YELLOW), (120, RED))),
        stat("Dead letters", 'sum(max by (queue) (longshore_jobs{state="dead"}))', "`longshore dead groups` says of what they died.",
             at=((None, GREEN), (1, YELLOW))),
        stat("Breakers not closed", "count(max by (queue, provider) (longshore_breaker_state) > 0) or vector(0)",
             "Providers that are left alone, or probed.", at=((None, GREEN), (1, RED))),
        stat("Paused queues", "sum(max by (queue) (longshore_paused))", "By an operator, or by themselves.", at=((None, GREEN), (1, YELLOW))),
        alerts, queues,
        lines("Completed", "Jobs a second.", ('sum by (queue) (rate(longshore_runs_total{outcome="completed"}' + RATE + "))", "{{queue}}"),
              unit="ops"),
        lines("Runs that did not complete", "By outcome: most are tried again.",
              ('sum by (queue, outcome) (rate(longshore_runs_total{outcome!="completed"}' + RATE + "))", "{{queue}}: {{outcome}}"), unit="ops"),
        lines("Pending", "Jobs that are due and wait.", (BY_QUEUE + '(longshore_jobs{state="pending"})', "{{queue}}"), stacked=True),
        lines("Oldest pending", "How long it has waited.", (BY_QUEUE + "(longshore_latency_seconds)", "{{queue}}"), unit="s"),
        lines("Dead letters", "They leave by a replay, a discard or an export.",
              (BY_QUEUE + '(longshore_jobs{state="dead"})', "{{queue}}"), stacked=True),
        lines("Taken over, refused", "Jobs taken over from lost workers, and outcomes of workers that had lost their lease.",
              ("sum by (queue) (increase(longshore_rescued_total" + RATE + "))", "{{queue}}: taken over"),
              ("sum by (queue) (increase(longshore_outcomes_refused_total" + RATE + "))", "{{queue}}: refused")),
        table("Next ticks", "Of cron entries; one in the past is missed.",
              [("max by (entry) (longshore_cron_next_tick_timestamp_seconds) * 1000", "next tick")], "entry", unit="dateTimeFromNow", w=12),
        lines("Events received", "By the listener `webhooks`.",
              ("sum by (provider, outcome) (rate(longshore_webhooks_total" + RATE + "))", "{{provider}}: {{outcome}}"), unit="ops"),
        lines("Time to answer an event", "Half and 99 % of them.", *quantiles("longshore_webhook_seconds", "", "provider"), unit="s"),
        lines("API requests", "By route and status. 499 is a bulk whose caller went away.",
              ("sum by (route, status) (rate(longshore_api_requests_total" + RATE + "))", "{{route}}: {{status}}"), unit="ops"),
        lines("Time to answer at the API", "Half and 99 % of them, until the answer begins.",
              *quantiles("longshore_api_request_seconds", "", "route"), unit="s"),
        lines("API requests sent away, by token", "503: not at the moment. 429: more often than the token may.",
              ('sum by (token, status) (rate(longshore_api_requests_total{status=~"429|5.."}' + RATE + "))", "{{token}}: {{status}}"), unit="ops"),
        lines("Open connections", "Beside how many a listener takes.",
              ("max by (instance, listener) (longshore_listener_connections)", "{{instance}} {{listener}}"),
              ("max by (listener) (longshore_listener_connections_max)", "{{listener}}: at most")),
        lines("Connections refused", "Closed or not taken, so that others get in; why says what had run out.",
              ("sum by (listener, why) (rate(longshore_listener_refused_total" + RATE + "))", "{{listener}}: {{why}}"), unit="ops"),
    ], [])


def queue() -> dict:
    q = 'queue="$queue"'
    one = f"{{{q}}}"
    return dashboard("longshore-queue", "Longshore: a queue", "One queue: what waits, what runs, what holds it back.", [
        stat("Pending", f'max(longshore_jobs{{{q},state="pending"}})', "Jobs that are due and wait for a worker."),
        stat("Running", f'max(longshore_jobs{{{q},state="running"}})', "In the whole fleet."),
        stat("Retryable", f'max(longshore_jobs{{{q},state="retryable"}})', "Failed, and wait for their next attempt."),
        stat("Dead", f'max(longshore_jobs{{{q},state="dead"}})', "Dead letters.", at=((None, GREEN), (1, YELLOW))),
        stat("Workers", f"max(longshore_workers{one})", "With a lease.", at=((None, RED), (1, GREEN))),
        stat("State", f"max(longshore_paused{one})", "Paused by an operator, or by itself.", words=PAUSED),
        lines("Jobs by state", "In Redis, completed ones aside.", (f"max by (state) (longshore_jobs{one})", "{{state}}"), stacked=True),
        lines("Oldest pending", "How long it has waited.", (f"max(longshore_latency_seconds{one})", "oldest pending"), unit="s"),
        lines("Runs by outcome", "A second, by kind.",
              (f"sum by (kind, outcome) (rate(longshore_runs_total{one}{RATE}))", "{{kind}}: {{outcome}}"), unit="ops"),
        lines("How long runs take", "Half and 99 % of them.", *quantiles("longshore_run_seconds", q, "kind"), unit="s"),
        states("What holds it back", "Each thing by its cause: `longshore queues` says until when.",
               f"max by (cause, provider) (longshore_hold{one})", "{{cause}} {{provider}}", {"1": ("held", RED)}),
        table("Dead letters by cause", "The 20 biggest groups: `longshore dead list --group GROUP`.",
              [(f"max by (group, kind, provider, class) (longshore_dead_letters{one})", "letters")], "group", w=12),
        lines("How long Redis takes", "To hand out jobs (claim) and to write outcomes (settle), 99 %.",
              (f"histogram_quantile(0.99, sum by (le) (rate(longshore_claim_seconds_bucket{one}{RATE})))", "claim"),
              (f"histogram_quantile(0.99, sum by (le) (rate(longshore_settle_seconds_bucket{one}{RATE})))", "settle"), unit="s"),
        lines("Waiting for a deploy", "Jobs whose kind no worker knows, and jobs put back since their args are newer than a worker.",
              (f"max(longshore_parked_jobs{one})", "parked"),
              (f"sum(increase(longshore_payload_newer_total{one}{RATE}))", "put back")),
        lines("To be told to the app", "Notices that no job was made of yet.", (f"max(longshore_notices{one})", "waiting"),
              (f"max(longshore_notices_dropped{one})", "dropped in all")),
    ], [variable("queue", "Queue", "label_values(longshore_jobs, queue)")])


def provider() -> dict:
    p = 'provider="$provider"'
    one = f"{{{p}}}"
    return dashboard("longshore-provider", "Longshore: a provider", "What calls of one provider come to.", [
        stat("Breaker", f"max(longshore_breaker_state{one}) or vector(0)", "Open: it is left alone, and its jobs wait.", words=BREAKER),
        stat("Answered, of a day's calls", f"longshore:provider_availability:ratio_1d{one}", "As LongshoreProviderBelowSla counts it.",
             "percentunit"),
        stat("It promises", f"max(longshore_provider_sla_ratio{one})", "providers.<p>.sla_percent.", "percentunit"),
        stat("Not reached by", f"sum(longshore_not_reached{one})", "Processes that leave its jobs to others.", at=((None, GREEN), (1, RED))),
        stat("Credentials not fetched by", f"sum(longshore_credentials_unfetched{one})",
             "Processes whose credentials it refused, and that cannot fetch newer ones.", at=((None, GREEN), (1, RED))),
        stat("Dead letters", f"sum(max by (group) (longshore_dead_letters{one}))", "That died of its answers.", at=((None, GREEN), (1, YELLOW))),
        lines("Calls by outcome", "A second.", (f"sum by (outcome) (rate(longshore_provider_calls_total{one}{RATE}))", "{{outcome}}"),
              unit="ops", stacked=True),
        lines("Share that failed", "Of those that it answered or failed.", (
            f'sum(rate(longshore_provider_calls_total{{{p},outcome="failed"}}{RATE})) / '
            f'sum(rate(longshore_provider_calls_total{{{p},outcome=~"answered|failed"}}{RATE}))', "failed"), unit="percentunit"),
        states("Breaker", "By queue.", f"max by (queue) (longshore_breaker_state{one})", "{{queue}}", BREAKER),
        states("Holds", "What holds its calls back.", f"max by (queue, cause) (longshore_hold{one})", "{{queue}}: {{cause}}",
               {"1": ("held", RED)}),
        lines("What it takes money for", "Of a day, in the unit of its price list.",
              (f"sum by (unit) (increase(longshore_provider_billable_units_total{one}[1d]))", "{{unit}}")),
        table("Dead letters by cause", "`longshore dead list --group GROUP`.",
              [(f"max by (queue, group, kind, class) (longshore_dead_letters{one})", "letters")], "group", w=12),
        table("The inventory's word on it", "From the configuration.",
              [(f"max by (provider, criticality, owner, sla) (longshore_provider_info{one})", "known")], "provider"),
    ], [variable("provider", "Provider", "label_values(longshore_provider_info, provider)")])


def redis() -> dict:
    return dashboard("longshore-redis", "Longshore: Redis", "What Redis keeps, and whether it may lose it.", [
        stat("Memory used", "max(longshore_redis_memory_used_bytes) / max(longshore_redis_memory_max_bytes)",
             "Of maxmemory. When it is full, no job is taken.", "percentunit", ((None, GREEN), (0.5, YELLOW), (0.7, RED))),
        stat("May drop jobs", "max(longshore_redis_may_evict)", "maxmemory-policy is not noeviction.", words=YES),
        stat("Writes to its disk", "min(longshore_redis_persists)", "The last write or snapshot went well.", words=GOOD),
        stat("Append-only file", "max(longshore_redis_append_only)", "Without one, a crash loses what came after the last snapshot.", words=GOOD),
        stat("Replicas", "max(longshore_redis_replicas)", "That keep up.", at=((None, YELLOW), (1, GREEN))),
        stat("Keys dropped", "max(longshore_redis_evicted_keys)", "Since it was started.", at=((None, GREEN), (1, RED))),
        lines("Memory", "Beside maxmemory.", ("max(longshore_redis_memory_used_bytes)", "used"),
              ("max(longshore_redis_memory_max_bytes)", "at most"), unit="bytes"),
        lines("Jobs kept", "By state.", ("sum by (state) (max by (queue, state) (longshore_jobs))", "{{state}}"), stacked=True),
        lines("Time to hand out jobs", "99 % of claims, by queue.",
              (f"histogram_quantile(0.99, sum by (le, queue) (rate(longshore_claim_seconds_bucket{RATE})))", "{{queue}}"), unit="s"),
        lines("Time to write outcomes", "99 % of settles, by queue.",
              (f"histogram_quantile(0.99, sum by (le, queue) (rate(longshore_settle_seconds_bucket{RATE})))", "{{queue}}"), unit="s"),
        lines("Replicas", "That keep up.", ("max(longshore_redis_replicas)", "replicas")),
        lines("Clock", "How often it was set ahead by more than half a minute.", (f"sum(increase(longshore_clock_steps_total{RATE}))", "steps")),
    ], [])


def main() -> None:
    wrong = []
    for made in (fleet(), queue(), provider(), redis()):
        path = HERE / f"{made['uid']}.json"
        text = json.dumps(made, indent=1) + "\n"
        if "--check" not in sys.argv:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            wrong.append(path.name)
    if wrong:
        sys.exit(f"they differ from what deploy/grafana/make.py writes; run it: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
