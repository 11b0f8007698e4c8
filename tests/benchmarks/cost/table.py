"""The tables of `make cost`, in Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tests.benchmarks.cost.counts import INDICES
from tests.benchmarks.cost.measured import Measured
from tests.benchmarks.cost.model import Work, together
from tests.benchmarks.cost.naive import naive
from tests.benchmarks.cost.shapes import HEX, PEAKS, POLLED_S, READ

MARKS: Final = "marks in the file (`tags`)"
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "transitions": ("transitions",),
    "writes": ("write units",),
    "reads": ("read units",),
    "API": ("requests",),
    "invocations": ("invocations",),
    "S3": ("S3 writes", "S3 reads"),
    "events, secrets": ("events", "secrets"),
    "memory": ("GB-s",),
    "logs": ("GB logged",),
}


def tables(measured: Mapping[str, Measured], unmarked: Measured, waiting: Mapping[int, float]) -> str:
    """All tables; `unmarked` is the first shape without marks, `waiting` the write units of a job among so many."""
    parts = (_amounts(measured), _dollars(measured), _additions(measured, unmarked), _waiting(waiting))
    return "\n\n".join("\n".join(part) for part in parts)


def _amounts(measured: Mapping[str, Measured]) -> Iterator[str]:
    yield _row("a job, and one read of it", "states", "transitions", "invocations", "write units (of indices)",
               "read units", "S3 writes, reads", "API", "GB-s", "logged")  # fmt: skip
    yield _row("---", *["---:"] * 9)
    for each in _jobs(measured):
        for wait_s in each.shape.waits_s[:1]:
            work = together(each.job(wait_s), measured[HEX].read())
            counts, amounts = work.counts, work.amounts()
            yield _row(
                f"{each.shape.name}, {wait_s} s",
                len(counts["states"]),
                counts["transitions"],
                f"{amounts['invocations']:g}",
                f"{amounts['write units']:g} ({counts['write units'].get(INDICES, 0)})",
                f"{amounts['read units']:g}",
                f"{counts['S3 writes']}, {counts['S3 reads']}",
                counts["requests"],
                f"{amounts['GB-s']:.2f}",
                f"{amounts['GB logged'] * 1e6:.1f} KB",
            )


def _dollars(measured: Mapping[str, Measured]) -> Iterator[str]:
    yield _row("USD for 1,000 jobs", *_COLUMNS, "**sum**", "naive", "files for a month")
    yield _row("---", *["---:"] * (len(_COLUMNS) + 3))
    read = measured[HEX].read()
    for each in _jobs(measured):
        for wait_s in each.shape.waits_s:
            work = together(each.job(wait_s), read)
            usd = work.usd()
            beside = _naive(each, wait_s, measured)
            naive_usd = f"{sum(beside.usd().values()):.3f}" if beside else ""
            total = f"**{sum(usd.values()):.3f}**"
            yield _row(f"{each.shape.name}, {wait_s} s", *_cells(usd), total, naive_usd, f"{work.kept_usd():.3f}")
    for name, wait_s, polls in (("naive, in the answer", 70, 0), ("naive, polled", POLLED_S, _naive_polls(measured))):
        work = naive(wait_s, _cpu(measured), polls=polls)
        usd = work.usd()
        yield _row(f"{name}, {wait_s} s", *_cells(usd), f"**{sum(usd.values()):.3f}**", "", f"{work.kept_usd():.3f}")


def _additions(measured: Mapping[str, Measured], unmarked: Measured) -> Iterator[str]:
    yield _row("USD for 1,000, beside a job's", *_COLUMNS, "**sum**", "files for a month")
    yield _row("---", *["---:"] * (len(_COLUMNS) + 2))
    base = measured[HEX]
    for each in (each for each in measured.values() if each.shape.more_than):
        yield _more(each.shape.name, each.job(each.shape.waits_s[0]), base.job(each.shape.waits_s[0]))
    yield _more(PEAKS, base.peaks(), None)
    yield _more(MARKS, base.job(base.shape.waits_s[0]), unmarked.job(base.shape.waits_s[0]))
    yield _more(f"{READ} more", base.read(), None)


def _more(name: str, work: Work, less: Work | None) -> str:
    usd, base = work.usd(), less.usd() if less else {}
    more = {kind: each - base.get(kind, 0) for kind, each in usd.items()}
    files = work.kept_usd() - (less.kept_usd() if less else 0)
    return _row(name, *_cells(more), f"**{_dollar(sum(more.values()))}**", _dollar(files))


def _waiting(waiting: Mapping[int, float]) -> Iterator[str]:
    yield _row("jobs ordered at once, to a provider that takes two at a time", *waiting)
    yield _row("---", *["---:"] * len(waiting))
    yield _row("write units of a job", *[f"{units:.0f}" for units in waiting.values()])


def _jobs(measured: Mapping[str, Measured]) -> Iterator[Measured]:
    return (each for each in measured.values() if not each.shape.more_than)


def _naive(each: Measured, wait_s: int, measured: Mapping[str, Measured]) -> Work | None:
    """The naive design has no callbacks."""
    if each.shape.name == "called back":
        return None
    return naive(wait_s, _cpu(measured) | dict(each.cpu_s), polls=0 if each.shape.blocking else _naive_polls(measured))


def _naive_polls(measured: Mapping[str, Measured]) -> int:
    """As many polls as ours make."""
    return int(measured["polled"].job(POLLED_S).counts["invocations"]["PollGeneration"])


def _cpu(measured: Mapping[str, Measured]) -> dict[str, float]:
    return dict(measured[HEX].cpu_s)


def _cells(usd: Mapping[str, float]) -> Sequence[str]:
    return [_dollar(sum(usd[kind] for kind in kinds)) for kinds in _COLUMNS.values()]


def _dollar(usd: float) -> str:
    """Three digits, and no sign before a zero."""
    return f"{round(usd, 3) + 0:.3f}"


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"
