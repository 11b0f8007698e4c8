"""Lists come whole, page after page, and what the API answers is understood field by field."""

import inspect
import json
from datetime import date, datetime, timedelta, timezone

import pytest
from pydantic import BaseModel

from fermata.api.responses import (
    account,
    attempt,
    endpoint,
    job,
    key,
    ledger,
    model,
    quote,
    reference,
    usage,
    voice,
)
from fermata_client import errors
from fermata_client.core import reads
from fermata_client.models import account as accounts
from fermata_client.models import catalogue
from fermata_client.models import endpoint as endpoints
from fermata_client.models import job as jobs
from fermata_client.models import reference as references
from tests.fakes.client.fake_fermata import FakeFermata, answer, say, say_html
from tests.functions import ROOT

GOLDEN: dict[str, dict[str, str]] = json.loads((ROOT / "tests/fixtures/answers.json").read_text("utf-8"))
ENTRY = {"at": "2026-11-21T12:00:00Z", "kind": "grant", "credits": 5, "balance_credits": 5}


def _golden(name: str) -> dict[str, object]:
    return dict(json.loads(GOLDEN[name]["body"]))


def test_a_list_is_read_page_after_page_as_far_as_it_is_asked_for() -> None:
    fermata = FakeFermata()
    fermata.cues.extend([say(200, {"data": [ENTRY, ENTRY], "next_cursor": "a b"}), say(200, {"data": [ENTRY]})])

    entries = fermata.sync().ledger(since=date(2026, 11, 1))
    assert fermata.requests == []
    assert next(entries).kind == "grant"
    assert len(fermata.requests) == 1
    assert len(list(entries)) == 2

    assert [request.url.query for request in fermata.requests] == [b"from=2026-11-01", b"from=2026-11-01&cursor=a+b"]


def test_a_cursor_that_leads_nowhere_new_ends_the_list() -> None:
    fermata = FakeFermata()
    fermata.cues.extend([say(200, {"data": [], "next_cursor": "same"})] * 5)

    assert list(fermata.sync().ledger()) == []
    assert len(fermata.requests) == 2


def test_an_entry_of_another_shape_is_not_taken_for_fermatas() -> None:
    fermata = FakeFermata()
    fermata.cues.append(say(200, {"data": [ENTRY, {"kind": 7}], "next_cursor": None}))
    entries = fermata.sync().ledger()

    assert next(entries).credits == 5
    with pytest.raises(errors.NotFermataError, match="LedgerEntry"):
        next(entries)


def test_csv_comes_page_after_page_with_one_line_of_names() -> None:
    fermata = FakeFermata()
    kind = "text/csv; charset=utf-8"
    fermata.cues.append(answer(200, b'at,note\r\n1,"a\nb"\r\n', Content_Type=kind, Next_Cursor="a b"))
    fermata.cues.append(answer(200, "at,note\r\n2,ä\r\n".encode(), Content_Type=kind))

    pieces = list(fermata.sync().ledger_csv(to=date(2026, 11, 30)))

    assert "".join(pieces) == 'at,note\r\n1,"a\nb"\r\n2,ä\r\n'
    assert [request.url.query for request in fermata.requests] == [b"to=2026-11-30", b"to=2026-11-30&cursor=a+b"]
    assert {request.headers["Accept"] for request in fermata.requests} == {"text/csv"}


def test_what_is_no_csv_is_not_taken_for_it() -> None:
    fermata = FakeFermata()
    fermata.cues.append(say_html(200))

    with pytest.raises(errors.NotFermataError, match="expected text/csv, found 200 with text/html"):
        list(fermata.sync().usage_log_csv())


def test_moments_of_jobs_are_days_or_have_a_time_zone() -> None:
    fermata = FakeFermata()
    fermata.cues.append(say(200, {"data": []}))
    client = fermata.sync()
    noon = datetime(2026, 11, 21, 12, tzinfo=timezone(timedelta(hours=1)))

    assert list(client.jobs(since=noon, to=date(2026, 11, 30))) == []
    assert fermata.requests[0].url.query == b"from=2026-11-21T11%3A00%3A00Z&to=2026-11-30"
    with pytest.raises(errors.SettingsError, match="no time zone"):
        list(client.jobs(since=noon.replace(tzinfo=None)))
    assert len(fermata.requests) == 1


def test_what_is_asked_is_what_was_given() -> None:
    fermata = FakeFermata()
    fermata.cues.extend([say(200, {"data": []})] * 7)
    client = fermata.sync()

    asked = [
        client.models(kind="speech", sort="price"),
        client.voices(model="minimax/speech-2.8-hd", language="de"),
        client.jobs(status="succeeded", page_size=5),
        client.usage(to=date(2026, 11, 30), group_by=["key", "metadata.project"]),
        client.keys.list(),
        client.jobs(model="minimax/music-2.5", metadata={"project": "a b"}),
        client.usage_log(since=date(2026, 11, 1)),
    ]

    assert [list(each) for each in asked] == [[]] * 7
    assert [str(request.url).partition("/v1/")[2] for request in fermata.requests] == [
        "models?kind=speech&sort=price",
        "voices?model=minimax%2Fspeech-2.8-hd&language=de",
        "jobs?status=succeeded&limit=5",
        "usage?to=2026-11-30&group_by=key%2Cmetadata.project",
        "keys",
        "jobs?model=minimax%2Fmusic-2.5&metadata.project=a+b",
        "usage/log?from=2026-11-01",
    ]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (jobs.Job, job.Job),
        (jobs.TrackInfo, job.Track),
        (jobs.MissingTrack, job.MissingTrack),
        (jobs.JobError, job.JobError),
        (jobs.JobUrls, job.JobUrls),
        (jobs.Expectation, job.Expectation),
        (jobs.Attempt, attempt.Attempt),
        (catalogue.Model, model.Model),
        (catalogue.Voice, voice.Voice),
        (catalogue.Quote, quote.Quote),
        (catalogue.QuoteCandidate, quote.QuoteCandidate),
        (accounts.Account, account.Account),
        (accounts.UsageEntry, usage.UsageEntry),
        (accounts.LedgerEntry, ledger.LedgerEntry),
        (accounts.UsageLogEntry, usage.UsageLogEntry),
        (accounts.Key, key.Key),
        (accounts.NewKey, key.NewKey),
        (endpoints.Webhook, endpoint.Webhook),
        (endpoints.SetWebhook, endpoint.SetWebhook),
        (endpoints.WebhookSecret, endpoint.WebhookSecret),
        (endpoints.WebhookTest, endpoint.WebhookTest),
        (references.Reference, reference.Reference),
        (references.UploadForm, reference.UploadForm),
    ],
)
def test_the_client_knows_every_field_that_the_api_answers_with(ours: type[BaseModel], theirs: type[BaseModel]) -> None:
    known = {field.alias or name for name, field in ours.model_fields.items()}
    answered = {field.alias or name for name, field in theirs.model_fields.items()} - {"object"}
    not_named = {"used_credits"} if ours is accounts.NewKey else set()

    assert answered - known <= {"reference", "replaces"}
    assert known - answered <= not_named


@pytest.mark.parametrize("name", sorted(name for name in GOLDEN if name.startswith("read_")))
def test_every_job_that_the_api_can_show_is_understood(name: str) -> None:
    fermata = FakeFermata()
    fermata.cues.append(say(200, _golden(name)))
    shown = fermata.sync().job("job_1").status()

    assert shown.id == _golden(name)["id"]
    assert shown.is_finished == (shown.finished_at is not None)


def test_account_models_quote_and_attempts_of_the_api_are_understood() -> None:
    fermata = FakeFermata()
    client = fermata.sync()
    for name in ("account_prepaid", "models", "quote", "attempts_two_songs", "usage", "ledger", "list"):
        fermata.cues.append(say(200, {**_golden(name), **({} if name == "quote" else {"next_cursor": None})}))

    assert client.account().available_credits >= 0
    assert [each.estimate.p50_s > 0 for each in client.models()]
    assert client.quote("minimax/music-2.5", prompt="a").price_credits > 0
    assert [each.number for each in client.job("job_1").attempts()] == [1]
    assert [each.jobs for each in client.usage()]
    assert [each.kind for each in client.ledger()]
    assert [each.id for each in client.jobs()]


def test_a_field_of_a_later_version_does_no_harm() -> None:
    fermata = FakeFermata()
    fermata.cues.append(say(200, {**_golden("read_succeeded"), "mood": "blue"}))

    assert fermata.sync().job("job_1").status().model_extra is not None


def test_every_read_is_a_method_with_the_words_of_its_flow() -> None:
    client = FakeFermata().sync()

    assert client.account.__doc__ == reads.account.__doc__
    assert list(inspect.signature(client.models).parameters) == ["context", "kind", "sort"]
