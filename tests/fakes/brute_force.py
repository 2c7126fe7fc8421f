"""The figures of the dashboard counted the slow way: every row of every table, question by question."""

import json
import math
from collections import Counter
from datetime import datetime, tzinfo
from typing import Any

Tables = dict[str, list[dict[str, Any]]]
Key = tuple[str, ...]
NAMES = (
    "conversations",
    "runs",
    "inbox",
    "escalations",
    "handbacks",
    "ratings",
    "ledger",
    "traces",
    "transcript_lines",
)
BY_PEOPLE = ("claimed", "approved", "denied", "handed_back", "resolved")


def figures(tables: Tables, zone: tzinfo) -> Counter[Key]:
    """By (team, day, channel, profile, prompt version, measure)."""
    total: Counter[Key] = Counter()
    for one in tables["conversations"]:
        place = (one["team_id"], "dm" if one["surface"] == "dm" else one["channel_id"], one["profile"])

        def add(at: float, measure: str, value: int, place: Key = place, one: dict[str, Any] = one) -> None:
            day = datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d")
            if value:
                total[place[0], day, place[1], place[2], one["prompt_version"], measure] += value

        _conversation(tables, one, add)
        _money(tables, one, add)
        _answers(tables, one, add)
    return total


def tool_figures(tables: Tables, zone: tzinfo) -> Counter[Key]:
    """By (team, day, tool, measure)."""
    teams = {one["id"]: one["team_id"] for one in tables["conversations"]}
    total: Counter[Key] = Counter()
    for row in tables["traces"]:
        if row["action"] == "tool_call" and row["conversation_id"] in teams:
            day = datetime.fromtimestamp(row["at"], zone).strftime("%Y-%m-%d")
            tool = "(no such tool)" if row["error"] == "unknown_tool" else row["name"]
            key = (teams[row["conversation_id"]], day, tool)
            total[*key, "calls"] += 1
            total[*key, f"took.{bucket(row['duration_ms'] / 1000)}"] += 1
            if not row["ok"]:
                total[*key, f"failed.{row['error'] or 'error'}"] += 1
    return total


def bucket(seconds: float) -> int:
    """The first of the limits 0.1 s · 2^(n/4) that is not exceeded."""
    return next((n for n in range(80) if seconds <= 0.1 * 2 ** (n / 4) * (1 + 1e-9)), 80)


def _is_press(trace: dict[str, Any]) -> bool:
    return trace["action"] == "decision" and trace["name"] in ("thumbs_up", "thumbs_down")


def _of(tables: Tables, name: str, one: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in tables[name] if row["conversation_id"] == one["id"]]


def _conversation(tables: Tables, one: dict[str, Any], add: Any) -> None:
    at, cases, paid = one["opened_at"], _of(tables, "escalations", one), _of(tables, "ledger", one)
    helped = any(line["speaker"] == "person" for line in _of(tables, "transcript_lines", one))
    helped = helped or bool(_of(tables, "handbacks", one)) or one["standing"] == "human"
    helped = helped or any(case["state"] in BY_PEOPLE for case in cases)
    runs = sorted(_of(tables, "runs", one), key=lambda run: (run["started_at"], run["id"]))
    counting = [run["outcome"] for run in runs if run["outcome"] not in ("superseded", "stopped")]
    traces = sorted(_of(tables, "traces", one), key=lambda trace: trace["seq"])
    presses = [trace["name"] for trace in traces if _is_press(trace)]
    resolved = counting[-1:] == ["answered"] and not helped and not cases and presses[-1:] != ["thumbs_down"]
    escalated = any(case["origin"] != "answered" for case in cases)
    cost = sum(row["charged"] for row in paid)
    steps = {(r["run_id"], r["name"]) for r in paid if r["name"][0] == "m" and r["state"] in ("settled", "assumed")}
    add(at, "conversations", 1)
    add(at, "involved", int(helped))
    add(at, "resolved", int(resolved))
    add(at, "escalated", int(escalated))
    add(at, "cost.all", cost)
    add(at, "cost.resolved", cost * resolved)
    add(at, "cost.escalated", cost * escalated)
    add(at, "steps.all", len(steps))
    for run in runs:
        if run["outcome"]:
            add(run["started_at"], f"run.{run['outcome']}", 1)
    for rating in _of(tables, "ratings", one):
        add(rating["rated_at"], "rated", 1)
        add(rating["rated_at"], "stars", rating["stars"])


def _money(tables: Tables, one: dict[str, Any], add: Any) -> None:
    begun: dict[tuple[str, str], float] = {}
    for row in _of(tables, "ledger", one):
        add(row["at"], "spent", row["charged"])
        for kind in ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h"):
            add(row["at"], f"tokens.{kind}", row[kind])
        if row["name"][0] == "m" and row["state"] in ("settled", "assumed"):
            key = (row["run_id"], row["name"])
            begun[key] = min(row["at"], begun.get(key, math.inf))
    for at in begun.values():
        add(at, "steps", 1)


def _answers(tables: Tables, one: dict[str, Any], add: Any) -> None:
    traces = sorted(_of(tables, "traces", one), key=lambda row: row["seq"])
    shown = {row["ref"]: row["at"] for row in reversed(traces) if row["action"] == "delivery" and row["ok"]}
    last = {row["run_id"]: row for row in traces if _is_press(row)}
    for press in last.values():
        add(press["at"], press["name"].removeprefix("thumbs_"), 1)
    came = {row["id"]: row["received_at"] for row in tables["inbox"] if row["kind"] == "message"}
    for run in _of(tables, "runs", one):
        causes = json.loads(run["inbox_ids"])
        asked = [came[cause] for cause in causes if cause in came]
        if not asked or run["outcome"] in (None, "superseded", "stopped"):
            continue
        answered = [shown[f"answer:{run['id']}"]] if f"answer:{run['id']}" in shown else []
        signs = [shown[f"live:{cause}"] for cause in causes if f"live:{cause}" in shown] + answered
        for at in answered:
            add(at, f"answer.{bucket(at - min(asked))}", 1)
        if signs:
            add(min(signs), f"sign.{bucket(min(signs) - min(asked))}", 1)
