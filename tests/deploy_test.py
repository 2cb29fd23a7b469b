#!/usr/bin/env python3
"""Holds deploy/ to what rouse exposes: tests/deploy_test.py ROUSE

Starts ROUSE, scrapes it, and checks that every metric, label and value that the dashboard and the
alerts ask for exists there, that the dashboard keeps Grafana's rules for files, and what promtool
says of all of it. Without promtool (see scripts/promtool) the last part is left out: exit status
77, but 1 where CI=true.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request

import left_out

TOP = pathlib.Path(__file__).resolve().parent.parent
RULES = TOP / "deploy/prometheus/rouse.rules.yaml"
RULES_TEST = TOP / "deploy/prometheus/rouse.rules.test.yaml"
SCRAPE = TOP / "deploy/prometheus/scrape.yaml"
DASHBOARD = TOP / "deploy/grafana/rouse.json"
ADDED_BY_PROMETHEUS = {"job", "instance", "le"}
ROWS = ["Now", "Latency", "Swaps", "Clients", "Proxy"]
ALERTS = ["RouseDown", "RouseConfigReloadFailed", "RouseUpstreamErrors", "RouseModelLoadFailing",
          "RouseSwapThrash", "RouseQueueStuck", "RouseEventLoopStalled"]
CONFIG = """
metrics: {compat: llama-swap}
models:
  one: {cmd: "true --port ${PORT}"}
  two: {cmd: "true --port ${PORT}"}
"""


def scrape(rouse):
    """What a fresh rouse answers to GET /metrics."""
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "config.yaml"
        config.write_text(CONFIG, encoding="utf-8")
        process = subprocess.Popen(
            [rouse, "serve", "--config", str(config), "--listen", "127.0.0.1:0"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "XDG_RUNTIME_DIR": folder, "XDG_STATE_HOME": folder})
        try:
            said = ""
            for line in process.stderr:
                said += line
                found = re.search(r"listening on (http://\S+)", line)
                if found:
                    with urllib.request.urlopen(found.group(1) + "/metrics", timeout=30) as answer:
                        return answer.headers["content-type"], answer.read().decode("utf-8")
            raise SystemExit(f"deploy_test: rouse did not listen:\n{said}")
        finally:
            process.terminate()
            process.stderr.close()
            process.wait(timeout=30)


class Exposition:
    """Names, types, labels and their values of a scrape."""

    def __init__(self, text):
        self.types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
        self.values = {}
        for name, labels in re.findall(r"^([a-z_]+)(?:\{(.*)\})? \S+$", text, re.M):
            own = self.values.setdefault(self.family(name), {})
            for label, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels):
                own.setdefault(label, set()).add(value)

    def family(self, name):
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        return base if self.types.get(base) == "histogram" else name


# Labels whose values all exist from the start, so that a word that does not is a mistake.
CLOSED = {"phase", "state", "type", "result", "start", "outcome", "level", "stream"}


def check_expression(where, text, known):
    """Faults of one PromQL expression, or of a text with several."""
    for name, labels in re.findall(r"\b((?:rouse|process|llamaswap)_[a-z0-9_]+)\b(?:\{([^}]*)\})?", text):
        family = known.family(name)
        if family not in known.types:
            yield f"{where}: there is no metric {name}"
            continue
        if name == family and known.types[family] == "histogram":
            yield f"{where}: {name} is a histogram: ask for its _bucket, _sum or _count"
        for label, how, value in re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"', labels):
            if label in ADDED_BY_PROMETHEUS:
                continue
            own = known.values.get(family, {})
            if label not in own:
                yield f"{where}: {name} has no label {label}"
            elif label in CLOSED:
                for word in value.split("|") if "~" in how else [value]:
                    if word not in own[label]:
                        yield f'{where}: {name} never has {label}="{word}"'
    labels = ADDED_BY_PROMETHEUS.union(*known.values.values())
    for group in re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", text):
        for label in filter(None, (each.strip() for each in group.split(","))):
            if label not in labels:
                yield f"{where}: no metric has the label {label}"


def check_rules(known):
    text = re.sub(r"(?m)^\s*#.*$", "", RULES.read_text(encoding="utf-8"))
    alerts = re.findall(r"^\s*- alert: (\w+)$", text, re.M)
    if alerts != ALERTS:
        yield f"{RULES.name}: the alerts are {alerts}"
    tested = set(re.findall(r"alertname: (\w+)\s*\n\s*exp_alerts:\s*\n", RULES_TEST.read_text(encoding="utf-8")))
    for alert in set(alerts) - tested:
        yield f"{RULES_TEST.name}: nothing shows that {alert} fires"
    yield from check_expression(RULES.name, text, known)
    yield from check_expression(RULES_TEST.name, RULES_TEST.read_text(encoding="utf-8"), known)


def panels_of(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def check_dashboard(dashboard, known):
    """What grafana/dashboard-linter asks for, and the metrics."""
    variables = {each["name"]: each for each in dashboard["templating"]["list"]}
    sources = [name for name, each in variables.items() if each["type"] == "datasource"]
    if sources != ["datasource"]:
        yield f"dashboard: one variable of a data source, called datasource, not {sources}"
    for name in ("job", "instance"):
        each = variables.get(name, {})
        if not each.get("multi") or each.get("allValue") != ".+" or each.get("refresh") != 2:
            yield f"dashboard: ${name} must be multi, with All = .+, and reload with the time range"
    if dashboard["editable"] or dashboard["id"] is not None or not 0 < len(dashboard["uid"]) <= 40:
        yield "dashboard: not editable, no id, a uid of at most 40 letters"
    if [each["title"] for each in dashboard["panels"] if each["type"] == "row"] != ROWS:
        yield f"dashboard: the rows are not {ROWS}"
    ids = [each["id"] for each in dashboard["panels"]]
    if len(ids) != len(set(ids)):
        yield "dashboard: two panels have the same id"
    taken = {}
    for panel in panels_of(dashboard):
        where = f'dashboard: "{panel["title"]}"'
        if not panel["title"] or not panel.get("description"):
            yield f"{where}: no title or description"
        if not panel["fieldConfig"]["defaults"].get("unit"):
            yield f"{where}: no unit"
        spot = panel["gridPos"]
        for cell in ((x, y) for x in range(spot["x"], spot["x"] + spot["w"])
                     for y in range(spot["y"], spot["y"] + spot["h"])):
            if cell in taken or cell[0] >= 24:
                yield f'{where}: lies over {taken.get(cell, "the edge")}'
                break
            taken[cell] = panel["title"]
        for target in panel["targets"]:
            if target["datasource"]["uid"] != "${datasource}":
                yield f"{where}: a data source of its own"
            yield from check_target(where, target["expr"], known)


def check_target(where, expr, known):
    selectors = re.findall(r"(?<![\w$])([a-z][a-z0-9_]*_[a-z0-9_]+|up)\b(\{[^}]*\})?", strip_functions(expr))
    for name, labels in selectors:
        for variable in ("job", "instance"):
            if f'{variable}=~"${variable}"' not in labels:
                yield f"{where}: {name} is not filtered by ${variable}"
    for span in re.findall(r"\[([^\]]+)\]", expr):
        if span != "$__rate_interval":
            yield f"{where}: [{span}] instead of [$__rate_interval]"
    yield from check_expression(where, expr, known)


def strip_functions(expr):
    """Without functions, groupings and texts: what is left of names are metrics."""
    expr = re.sub(r"\b(by|without|on|ignoring)\s*\([^)]*\)", " ", expr)
    return re.sub(r"\b[a-z_0-9]+\s*\(", "(", expr)


def run(faults, *command, stdin=None):
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        faults.append(f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")


def check_with_promtool(promtool, text, dashboard):
    faults = []
    run(faults, promtool, "check", "metrics", stdin=text)
    run(faults, promtool, "check", "rules", str(RULES))
    run(faults, promtool, "test", "rules", str(RULES_TEST))
    run(faults, promtool, "check", "config", "--syntax-only", str(SCRAPE))
    # It checks no bare expressions, so those of the dashboard become rules.
    rules = []
    for panel in panels_of(dashboard):
        for target in panel["targets"]:
            expr = target["expr"].replace("$__rate_interval", "5m")
            rules.append({"record": f"panel:{panel['id']}:{target['refId']}", "expr": expr})
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "dashboard.rules.yaml"  # JSON is YAML
        file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")
        run(faults, promtool, "check", "rules", str(file))
    return faults


def find_promtool():
    built = TOP / "build/tools/promtool"
    return shutil.which("promtool") or (str(built) if built.exists() else None)


def self_test(known):
    """Expressions with a fault that must be found."""
    for bad in ('rate(rouse_request_total{job="x"}[5m])', 'rouse_queue_depth{modell="a"}',
                'rouse_requests_in_flight{phase="queue"}', 'sum by (modell) (rouse_queue_depth)',
                "rouse_queue_wait_seconds > 1", 'rouse_model_loads_total{outcome=~"exit|oops"}'):
        if not list(check_expression("", bad, known)):
            yield f"deploy_test: this went unnoticed: {bad}"
    if not list(check_target("", "sum(rouse_queue_depth)", known)):
        yield "deploy_test: a selector without filters went unnoticed"


def main():
    content_type, text = scrape(sys.argv[1])
    known = Exposition(text)
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    faults = [*self_test(known), *check_rules(known), *check_dashboard(dashboard, known)]
    if content_type != "text/plain; version=0.0.4; charset=utf-8":
        faults.append(f"/metrics has the type {content_type}")
    promtool = find_promtool()
    if promtool:
        faults += check_with_promtool(promtool, text, dashboard)
    elif left_out.status("promtool") != 77:
        faults.append("there is no promtool: scripts/promtool gets it")
    print("\n".join(faults))
    print(f"deploy: {len(faults)} faults, {len(known.types)} metrics")
    if faults:
        return 1
    if not promtool:
        print("left out: what promtool says, since there is none (scripts/promtool gets it)")
        return 77
    return 0


if __name__ == "__main__":
    sys.exit(main())
