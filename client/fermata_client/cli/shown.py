"""Answers for people: tables and pairs of words, in which nothing is left that a terminal would obey."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from fermata_client.cli.surroundings import Surroundings
from fermata_client.models.answer import Answer
from fermata_client.models.catalogue import Quote
from fermata_client.models.job import Job
from fermata_client.text import plain


def jsonable(answer: Answer | None) -> Any:  # noqa: ANN401 - whatever JSON it is
    """An answer as the API gave it."""
    return answer.model_dump(mode="json", by_alias=True, exclude_unset=True) if answer else None


def show_table(at: Surroundings, names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Rows below their names; values are made harmless."""
    table = Table(*names, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(_word(value)) for value in row))
    at.out.print(table)


def show_list(
    at: Surroundings,
    found: Iterable[Answer],
    names: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    as_json: bool,
) -> None:
    """What was found: as the API gave it, or as rows below their names."""
    if as_json:
        at.give([jsonable(each) for each in found])
    else:
        show_table(at, names, rows)


def show_pairs(at: Surroundings, pairs: Iterable[tuple[str, object]]) -> None:
    """A name and a value on each line; those without a value are left out."""
    for name, value in pairs:
        if value not in (None, "", [], {}):
            at.say(f"{name:<18} {_word(value)}")


def show_job(at: Surroundings, job: Job) -> None:
    """A job with its tracks. Links are not shown, because whoever has one may listen."""
    expected = job.estimate.ready_at if job.estimate else None
    show_pairs(
        at,
        [
            ("job", job.id),
            ("status", job.status),
            ("model", job.delivered_model or job.model),
            ("title", job.title),
            ("price", f"{job.price_credits} credits ({job.charged})"),
            ("ordered", job.created_at),
            ("usually ready", expected),
            ("finished", job.finished_at),
            ("error", f"{job.error.failure_class}: {job.error.message}" if job.error else None),
            ("metadata", " ".join(f"{name}={value}" for name, value in job.metadata.items())),
        ],
    )
    for track in job.tracks:
        length = f"{track.duration_ms / 1000:.1f} s, {track.bytes} bytes, {track.content_type}"
        show_pairs(at, [(f"track {track.number}", length)])
    for missing in job.missing_tracks:
        show_pairs(at, [(f"track {missing.number}", f"missing: {missing.reason}")])


def show_quote(at: Surroundings, quote: Quote) -> None:
    """The price of an order, and the models that `auto` looked at."""
    discount = f", less {quote.discount_percent} %" if quote.discount_percent else ""
    show_pairs(
        at,
        [
            ("model", quote.model),
            ("price", f"{quote.price_credits} credits{discount}"),
            ("held meanwhile", f"{quote.hold_credits} credits"),
            ("usually ready in", f"{quote.estimate.p50_s} s, four of five in {quote.estimate.p80_s} s"),
            ("fallbacks", ", ".join(quote.fallbacks)),
        ],
    )
    if quote.candidates:
        rows = [(each.model, each.price_credits, each.estimate.p50_s, each.why_not) for each in quote.candidates]
        show_table(at, ("candidate", "credits", "p50 s", "why not"), rows)


def _word(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S UTC")
    if isinstance(value, list | tuple):
        return ", ".join(map(_word, value))
    return plain(str(value))
