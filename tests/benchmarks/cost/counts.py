"""What one job makes AWS bill, as exact counts that depend on no machine's load: `counts.json` keeps them."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from tests.benchmarks.cost.meter import Reading, use_of
from tests.benchmarks.cost.prices import FINE, Use

COUNTS: Final = Path(__file__).with_name("counts.json")
"""The counts of each shape, by its name. `make cost ARGS=--write` writes them anew."""

Counts: TypeAlias = Mapping[str, Any]
"""`requests`, `transitions`, `states` (by name), `invocations` (by function), `calls` (by function and action),
`write units` (by item; of the indices under `INDICES`), `read units` and `S3 writes`, `S3 reads`, `events`, `secrets`.
"""

INDICES: Final = "of both indices"
_REMEMBERED: Final = frozenset({"SETTINGS", "READS", "ESTIMATES"})
_GROWING: Final = frozenset({"PROVIDER/STATE", "ESTIMATES/ESTIMATES"})
"""Items that grow with what other jobs did of late, of which a write counts as one unit."""
_PRICED: Final = ("S3 writes", "S3 reads", "events", "secrets")


def is_remembered(call: Mapping[str, Any]) -> bool:
    """Whether an environment makes a call once and remembers the answer for a while, so that how many a job makes
    depends on how busy the functions are: secrets, settings, estimates, and counters of reads.
    """
    service = call["action"].partition(":")[0]
    if service in ("secretsmanager", "ssm"):
        return True
    touched = call.get("touched") or ()
    kinds = {each["item"].partition("/")[0] for each in touched}
    is_eventual = all(each.get("read") == 0.5 for each in touched)
    return bool(kinds) and kinds <= _REMEMBERED and (is_eventual or "ESTIMATES" not in kinds)


def counts_of(reading: Reading) -> Counts:
    """The counts of what was read."""
    calls, used, written = dict[str, Counter[str]](), Use(), Counter[str]()
    for call in (each for each in reading.calls if not is_remembered(each)):
        calls.setdefault(_short(call["function"]), Counter())[call["action"]] += 1
        used.update(use_of(call))
        for item in call.get("touched") or ():
            write = min(item.get("write", 0), 1) if item["item"] in _GROWING else item.get("write", 0)
            written.update({item["item"]: write, INDICES: item.get("index", 0)})
    return {
        "requests": reading.routes.total(),
        "transitions": len(reading.states),
        "states": _sorted(Counter(reading.states)),
        "invocations": _sorted({_short(function): len(each) for function, each in reading.reports.items()}),
        "calls": {function: _sorted(calls[function]) for function in sorted(calls)},
        "write units": _sorted(+written),
        "read units": used.amount("read units"),
        **{name: used[name] for name in _PRICED},
    }


def use_of_counts(counts: Counts) -> Use:
    """What has a price in them, but for memory, logs and files."""
    used = Use({name: counts[name] for name in ("requests", "transitions", *_PRICED)})
    used["invocations"] = sum(counts["invocations"].values())
    used["write units"] = sum(counts["write units"].values())
    used["read units"] = round(counts["read units"] * FINE)
    return used


def less(counts: Counts, base: Counts) -> Counts:
    """What the counts have more than others, also in their parts; what is equal is left out."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys([*counts, *base]):
        mine, other = counts.get(name, 0), base.get(name, 0)
        if isinstance(mine, Mapping) or isinstance(other, Mapping):
            found[name] = less(mine or {}, other or {})
        elif mine != other:
            found[name] = mine - other
    return {name: each for name, each in found.items() if each != {}}


def kept() -> Mapping[str, Counts]:
    """The counts in `counts.json`."""
    return dict(json.loads(COUNTS.read_text("utf-8")))


def keep(counts: Mapping[str, Counts]) -> None:
    """Write `counts.json`."""
    COUNTS.write_text(json.dumps(counts, indent=2) + "\n", encoding="utf-8")


def near_a_boundary(reading: Reading, within: int = 8) -> Iterable[str]:
    """The written items whose size is so near to another unit that a longer number or name would change the counts."""
    for call in reading.calls:
        for item in call.get("touched") or ():
            if "write" in item and item["item"] not in _GROWING and item["bytes"] and -item["bytes"] % 1024 < within:
                yield f"{_short(call['function'])} writes {item['item']} with {item['bytes']} bytes"


def _short(function: str) -> str:
    return function.removesuffix("Function")


def _sorted(counted: Mapping[str, int]) -> dict[str, int]:
    return {name: counted[name] for name in sorted(counted)}
