"""Whatever the domain may keep on record, its answer is what the served document says."""

import json
import types
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import annotated_types
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from fermata.api.responses.attempt import AttemptList
from fermata.api.responses.body import Body
from fermata.api.responses.job import Job as JobBody
from fermata.api.responses.ledger import LedgerEntry as LedgerEntryBody
from fermata.api.responses.usage import UsageEntry, UsageLogEntry
from fermata.api.responses.webhook import WebhookAttempt as WebhookAttemptBody
from fermata.domain.audio.container import CONTAINERS
from fermata.domain.catalogue.models import Estimate, ReferenceRule
from fermata.domain.jobs.attempt import Attempt
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.songs import Track
from fermata.domain.jobs.view import JobView, Link
from fermata.domain.money.movement import LedgerEntry
from fermata.domain.money.reports.ledger import LedgerLine
from fermata.domain.money.reports.usage_groups import grouped
from fermata.domain.money.reports.usage_log import UsageLine
from fermata.domain.money.usage import Usage
from fermata.domain.orders.candidates import Candidate
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.orders.order_request import SongRequest
from fermata.domain.webhooks.delivery import NoAnswer, WebhookAttempt
from fermata.domain.webhooks.message import message_of
from fermata.use_cases.orders.read_jobs import show_job
from fermata.wiring.orders import read_ports
from tests.fakes.clock import NOON
from tests.fakes.world import World
from tests.songs import delivered_job, stored_track
from tests.support.api_document import problems_with

API: Final = "https://api.example.com"
CHAIN: Final = 3
MOMENTS: Final = st.datetimes(datetime(2000, 1, 1), datetime(3000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants naive bounds
TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
JOB_IDS: Final = st.builds(new_job_id, MOMENTS, st.binary(min_size=10, max_size=10))
REQUESTS: Final = st.builds(
    SongRequest,
    model=TEXTS.filter(bool),
    title=st.none() | TEXTS,
    finish_by=st.none() | MOMENTS,
    metadata=st.dictionaries(TEXTS.filter(bool), TEXTS, max_size=3),
)
HASHES: Final = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
# What a field's type does not say by itself: how the domain makes ids and sums, what a meter can find, and that an
# attempt is for a model of the chain.
MADE_BY_THE_DOMAIN: Final[dict[tuple[type[BaseModel], str], st.SearchStrategy[object]]] = {
    (Job, "id"): JOB_IDS,
    (Job, "recovered_from"): st.none() | JOB_IDS,
    (Job, "request"): REQUESTS,
    (Job, "candidates"): st.deferred(lambda: st.lists(records(Candidate), min_size=CHAIN, max_size=CHAIN).map(tuple)),
    (LedgerEntry, "job_id"): st.none() | JOB_IDS,
    (UsageLine, "job_id"): JOB_IDS,
    (Attempt, "candidate"): st.integers(0, CHAIN - 1),
    (Track, "content_type"): st.sampled_from([each.content_type for each in CONTAINERS]),
    (Track, "sha256"): HASHES,
    (Track, "source_sha256"): st.none() | HASHES,
    (ReferenceRule, "min_s"): st.none(),
    (Candidate, "discount_percent"): st.integers(0, 100),
    (ReferenceRule, "longer_than_s"): st.integers(1, 1000),
    (Estimate, "p50_s"): st.integers(1, 1000),
    (Estimate, "p80_s"): st.integers(1000, 10_000_000),
    (WebhookAttempt, "error"): st.none() | st.sampled_from(NoAnswer),
    (WebhookAttempt, "wait_s"): st.none() | st.integers(1, 10_000_000),
}
SCALARS: Final[dict[object, st.SearchStrategy[object]]] = {
    str: TEXTS,
    bool: st.booleans(),
    datetime: MOMENTS,
    date: st.dates(),
    type(None): st.none(),
    Decimal: st.decimals(0, 10**9, places=2),
}


def records(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Records with every field that they have, of every value that its type allows; new fields come by themselves."""
    fields = {
        name: MADE_BY_THE_DOMAIN[model, name]
        if (model, name) in MADE_BY_THE_DOMAIN
        else values(field.annotation, tuple(field.metadata))
        for name, field in model.model_fields.items()
        if not field.exclude
    }
    return st.builds(model, **fields)


def values(kind: object, bounds: tuple[object, ...] = ()) -> st.SearchStrategy[Any]:
    """Values of one type."""
    if kind in SCALARS:
        return SCALARS[kind]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return records(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    if kind is int:
        return st.integers(min_value=least(bounds), max_value=10**12)
    return values_of_generic(get_origin(kind), get_args(kind), bounds)


def values_of_generic(origin: object, parts: tuple[Any, ...], bounds: tuple[object, ...]) -> st.SearchStrategy[Any]:
    if origin is Literal:
        return st.sampled_from(parts)
    if origin in (Union, types.UnionType):
        return st.one_of([values(part, bounds) for part in parts])
    if origin in (tuple, list):
        return st.lists(values(parts[0]), max_size=2).map(tuple)
    if origin is Mapping:
        return st.dictionaries(values(parts[0]), values(parts[1]), max_size=2)
    if origin is Annotated:
        return values(parts[0], parts[1:])
    raise AssertionError(f"no values of {origin} {parts} are known here; add them to SCALARS")


def least(bounds: tuple[object, ...]) -> int | None:
    for bound in bounds:
        if isinstance(bound, annotated_types.Ge):
            return int(str(bound.ge))
        if isinstance(bound, annotated_types.Gt):
            return int(str(bound.gt)) + 1
    return None


def assert_as_documented(schema: str, body: Body) -> None:
    text = json.loads(body.text())
    assert problems_with({"$ref": f"#/components/schemas/{schema}"}, text) == []


def shown(job: Job, estimate: Estimate) -> JobBody:
    links = {track.number: Link("https://audio.example.com/1?a=b", NOON) for track in job.tracks}
    return JobBody.of(JobView(job, estimate, links), API)


every = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


@every
@given(records(Job), records(Estimate))
def test_every_job_is_shown_and_published_as_documented(job: Job, estimate: Estimate) -> None:
    assert_as_documented("Job", shown(job, estimate))
    assert_as_documented("AttemptList", AttemptList.of(job))
    if job.status.is_terminal and job.finished_at:
        event = json.loads(message_of(job).body)
        assert problems_with({"$ref": "#/components/schemas/WebhookEvent"}, event) == []


@every
@given(records(Usage))
def test_every_usage_is_as_documented(usage: Usage) -> None:
    assert_as_documented("UsageEntry", UsageEntry.of(usage))


@every
@given(records(UsageLine))
def test_every_line_of_a_log_is_as_documented_alone_and_in_groups(line: UsageLine) -> None:
    assert_as_documented("UsageLogEntry", UsageLogEntry.of(line))
    for names in (("key",), ("day", "model", "key", "metadata.project")):
        (group,) = grouped(names, [line])
        assert_as_documented("UsageEntry", UsageEntry.of(group))


@every
@given(records(LedgerEntry), st.integers())
def test_every_entry_of_a_ledger_is_as_documented(entry: LedgerEntry, balance: int) -> None:
    assert_as_documented("LedgerEntry", LedgerEntryBody.of(LedgerLine(entry, balance)))


@every
@given(records(WebhookAttempt))
def test_every_try_to_deliver_a_webhook_is_as_documented(attempt: WebhookAttempt) -> None:
    assert_as_documented("WebhookAttempt", WebhookAttemptBody.of(attempt))


@pytest.mark.parametrize("content_type", [each.content_type for each in CONTAINERS])
def test_a_song_in_any_container_is_as_documented(content_type: str) -> None:
    track = stored_track().model_copy(update={"content_type": content_type})
    job = delivered_job().model_copy(update={"tracks": (track,)})
    assert_as_documented("Job", shown(job, Estimate(p50_s=1, p80_s=1)))


def foreign_records() -> Iterator[Job]:
    """Jobs as another version may have stored them: readable, though no job of today looks like that."""
    stored = delivered_job().model_dump(mode="json")
    yield Job.model_validate({**stored, "id": "job-1", "recovered_from": "x"})
    yield Job.model_validate({**stored, "a_field_of_tomorrow": 1})
    [track] = stored["tracks"]
    yield Job.model_validate({**stored, "tracks": [{**track, "content_type": "audio/of-tomorrow", "sha256": ""}]})


@pytest.mark.parametrize("job", list(foreign_records()))
def test_a_record_that_can_be_read_can_be_shown(job: Job) -> None:
    World()
    body = json.loads(JobBody.of(show_job(job, read_ports(), NOON), API).text())
    assert (body["id"], body["tracks"][0]["content_type"]) == (job.id, job.tracks[0].content_type)
