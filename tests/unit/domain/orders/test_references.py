"""How a request names a reference recording, and what each model's rule allows: checked before anything is stored."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fermata.domain.catalogue.models import read_catalogue
from fermata.domain.jobs.job import Job
from fermata.domain.orders.candidates import candidates_for
from fermata.domain.orders.job_id import is_reference_id, new_reference_id, reference_created_at
from fermata.domain.orders.order_request import parse_song_request
from fermata.domain.orders.references import KEPT, PreparedReference, refused_by, usable_until
from fermata.domain.providers.failures import FailureClass, ProviderCharged
from fermata.domain.web.safe_url import TrustedOrigins
from fermata.errors import InvalidRequestError
from fermata.use_cases.orders.submit_job import submit_job
from fermata.wiring.orders import submit_ports
from local.deploy.transform import read_template
from tests.fakes.clock import NOON
from tests.fakes.world import World
from tests.references import (
    AUDIO_URL,
    IDS_RULE,
    LINK_RULE,
    LINKED,
    REGISTERED,
    SILENT,
    body,
    catalogue,
    prepared,
)
from tests.songs import order

CATALOGUE = catalogue()
TRUSTED = TrustedOrigins(frozenset({"http://127.0.0.1:9000"}), frozenset({"http://127.0.0.1:*"}))
UPLOADED = new_reference_id(NOON, bytes(10))
KEY = f"references/acme/{UPLOADED}"


def wrong(model: str = LINKED, **fields: object) -> dict[str, str]:
    with pytest.raises(InvalidRequestError) as caught:
        parse_song_request(body(model, **fields), CATALOGUE, TRUSTED)
    return {field.pointer: field.message for field in caught.value.fields}


def submit(world: World, model: str = LINKED, tenant_id: str = "acme", **fields: Any) -> Job:  # noqa: ANN401 - any JSON
    asked = order(body(model, **fields), tenant_id=tenant_id)
    return world.stored(submit_job(asked, submit_ports(), world.clock(), bytes(10)).job_id)


def refusal(world: World, **fields: Any) -> dict[str, str]:  # noqa: ANN401 - any JSON
    with pytest.raises(InvalidRequestError) as caught:
        submit(world, **fields)
    assert (len(world.jobs), world.machine.started) == (0, [])
    return {field.pointer: field.message for field in caught.value.fields}


def a_world() -> World:
    return World(catalogue=CATALOGUE)


# ---- how a reference is named


def test_an_origin_that_is_trusted_for_webhooks_only_takes_a_callback_and_names_no_recording() -> None:
    here = "http://127.0.0.1:9001/a"
    assert set(wrong(reference={"audio_url": here}, callback_url=here)) == {"/reference/audio_url"}
    elsewhere = "http://127.0.0.2:9001/a"
    message = wrong(reference={"audio_url": AUDIO_URL}, callback_url=elsewhere)["/callback_url"]
    assert message.endswith("other origins need the deployment's parameter TrustedWebhookOrigins")


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param({"audio_url": AUDIO_URL}, id="link"),
        pytest.param({"audio_url": "https://files.example.com/" + "a" * 2022}, id="longest_link"),
        pytest.param({"audio_url": "https://93.184.216.34/song.wav"}, id="global_address"),
        pytest.param({"audio_url": "http://127.0.0.1:9000/song.wav"}, id="trusted_origin"),
        pytest.param({"id": UPLOADED}, id="upload"),
        pytest.param({"id": UPLOADED, "audio_url": None, "purpose": None}, id="nulls"),
    ],
)
def test_a_recording_is_named_by_a_public_link_or_an_uploads_id(reference: dict[str, object]) -> None:
    request, _ = parse_song_request(body(reference=reference), CATALOGUE, TRUSTED)
    assert request.reference is not None
    assert request.reference.meant_as == "song"


@pytest.mark.parametrize(
    ("reference", "pointer", "message"),
    [
        pytest.param("https://a.example/b", "/reference", "valid dictionary", id="text"),
        pytest.param({}, "/reference", "exactly one of audio_url, id", id="neither"),
        pytest.param({"audio_url": AUDIO_URL, "id": UPLOADED}, "/reference", "exactly one", id="both"),
        pytest.param({"voice_id": 7}, "/reference/voice_id", "valid string", id="voice_number"),
        pytest.param({"voice_id": ""}, "/reference/voice_id", "at least 1 character", id="empty_voice"),
        pytest.param({"voice_id": "v" * 1025}, "/reference/voice_id", "at most 1024", id="long_voice"),
        pytest.param({"instrumental_id": "a\nb"}, "/reference/instrumental_id", "printable", id="line_end"),
        pytest.param({"instrumental_id": "a\x00"}, "/reference/instrumental_id", "printable", id="nul"),
        pytest.param({"instrumental_id": "\ud800"}, "/reference/instrumental_id", "unicode", id="surrogate"),
        pytest.param({"audio_url": AUDIO_URL, "x": 1}, "/reference/x", "allowed: audio_url, id, purpose", id="unknown"),
        pytest.param({"audio_url": 7}, "/reference/audio_url", "valid string", id="number"),
        pytest.param({"audio_url": ""}, "/reference/audio_url", "at least 1 character", id="empty_link"),
        pytest.param(
            {"audio_url": "https://files.example.com/" + "a" * 2023}, "/reference/audio_url", "at most 2048", id="long"
        ),
        pytest.param({"id": 7}, "/reference/id", "valid string", id="id_number"),
        pytest.param({"id": "job_01JD0ABCDEFGHJKMNPQRSTVWXY"}, "/reference/id", "POST /v1/references", id="job_id"),
        pytest.param({"id": "../other/ref_01JD0ABCDEFGHJKMNPQRSTVWXY"}, "/reference/id", "names no", id="path"),
        pytest.param({"audio_url": AUDIO_URL, "purpose": "noise"}, "/reference/purpose", "'song', 'voice'", id="noise"),
    ],
)
def test_a_reference_of_another_shape_is_refused(reference: object, pointer: str, message: str) -> None:
    found = wrong(reference=reference)
    assert list(found) == [pointer]
    assert message in found[pointer]


@pytest.mark.parametrize(
    "link",
    [
        "http://files.example.com/a",
        "https://files.example.com:8443/a",
        "https://user:secret@files.example.com/a",
        "https://files.example.com/a#part",
        "https://files.example.com/a b",
        "https://files.example.com/é",
        "https://files.example.com\\@127.0.0.1/a",
        "https:///a",
        "files.example.com/a",
        "ftp://files.example.com/a",
        "file:///etc/passwd",
        "data:audio/wav;base64,AAAA",
        "https://localhost/a",
        "https://127.0.0.1/a",
        "https://10.0.0.1/a",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/a",
        "https://[::ffff:10.0.0.1]/a",
        "https://2130706433/a",
        "https://0x7f000001/a",
        "https://0177.0.0.1/a",
        "https://127.1/a",
        "https://0x7f.1/a",
        "https://example.0x7f/a",
        "http://127.0.0.1:9001/a",
        "http://127.0.0.1:9000@files.example.com/a",
    ],
)
def test_a_link_that_is_no_public_https_is_refused_and_not_repeated(link: str) -> None:
    found = wrong(reference={"audio_url": link})
    assert list(found) == ["/reference/audio_url"]
    assert "https link on port 443 of a public host" in found["/reference/audio_url"]
    assert link not in str(found)


# ---- what a model takes


@pytest.mark.parametrize(
    ("model", "reference", "pointer", "message"),
    [
        pytest.param(
            LINKED, None, "/reference", "is required: house/linked needs a reference recording", id="required"
        ),
        pytest.param(SILENT, {"audio_url": AUDIO_URL}, "/reference", "must be left out: minimax/music-2.5", id="none"),
        pytest.param("minimax/music-9", {"audio_url": AUDIO_URL}, "/reference", "must be left out", id="family"),
        pytest.param(
            LINKED,
            {"audio_url": AUDIO_URL, "purpose": "song"},
            "/reference/purpose",
            "must be left out: house/linked has no choice",
            id="purpose_without_choice",
        ),
    ],
)
def test_a_model_says_whether_it_takes_a_reference(
    model: str, reference: dict[str, object] | None, pointer: str, message: str
) -> None:
    found = wrong(model, reference=reference)
    assert list(found) == [pointer]
    assert message in found[pointer]


def test_a_purpose_is_one_of_the_models() -> None:
    voices = catalogue(ids=IDS_RULE.model_copy(update={"purposes": ("voice",)}))
    for purpose in ({}, {"purpose": "instrumental"}):
        with pytest.raises(InvalidRequestError) as caught:
            parse_song_request(body(REGISTERED, reference={"audio_url": AUDIO_URL, **purpose}), voices)
        [field] = caught.value.fields
        assert (field.pointer, field.message) == ("/reference/purpose", "must be one of voice")
    parse_song_request(body(REGISTERED, reference={"audio_url": AUDIO_URL, "purpose": "voice"}), voices)


def test_a_reference_that_is_not_required_may_be_left_out() -> None:
    request, _ = parse_song_request(body(REGISTERED), CATALOGUE)
    assert request.reference is None


@pytest.mark.parametrize(
    ("model", "fallback", "reference", "message"),
    [
        (LINKED, SILENT, {"audio_url": AUDIO_URL}, "/reference must be left out: minimax/music-2.5 takes no reference"),
        (SILENT, LINKED, None, "/reference is required"),
        (REGISTERED, LINKED, {"audio_url": AUDIO_URL, "purpose": "voice"}, "/reference/purpose must be left out"),
    ],
)
def test_a_fallback_that_would_drop_the_reference_is_refused(
    model: str, fallback: str, reference: dict[str, object] | None, message: str
) -> None:
    found = wrong(model, fallbacks=[fallback], reference=reference)
    assert list(found) == ["/fallbacks/0"]
    assert message in found["/fallbacks/0"]


def test_a_default_fallback_that_would_drop_the_reference_is_left_out() -> None:
    defaults = {LINKED: (SILENT, REGISTERED)}
    request, model = parse_song_request(body(reference={"audio_url": AUDIO_URL}), CATALOGUE)
    assert model is not None
    chain = candidates_for(request, model, CATALOGUE, defaults, None)
    assert [(each.model, each.reference) for each in chain] == [(LINKED, LINK_RULE), (REGISTERED, IDS_RULE)]


def test_a_chain_without_a_reference_has_no_rule_to_keep() -> None:
    request, model = parse_song_request(body(REGISTERED), CATALOGUE)
    assert model is not None
    assert [each.reference for each in candidates_for(request, model, CATALOGUE, {}, None)] == [None]


# ---- uploads


def test_a_job_may_name_a_recording_that_its_tenant_uploaded() -> None:
    world = a_world()
    world.references.files[KEY] = bytes(5000)
    job = submit(world, reference={"id": UPLOADED})
    assert world.machine.started == [job.id]


@pytest.mark.parametrize("tenant_id", ["acme", "other", "acm"])
def test_an_id_without_a_file_of_this_tenant_is_unknown_even_if_another_tenant_has_one(tenant_id: str) -> None:
    world = a_world()
    if tenant_id != "acme":
        world.references.files[KEY] = bytes(100)
    found = refusal(world, tenant_id=tenant_id, reference={"id": UPLOADED})
    assert list(found) == ["/reference/id"]
    assert "names no uploaded recording; ask POST /v1/references" in found["/reference/id"]


def test_an_upload_that_is_too_large_for_a_model_is_refused_by_its_name() -> None:
    world = World(catalogue=catalogue(ids=IDS_RULE.model_copy(update={"max_bytes": 9000})))
    world.references.files[KEY] = bytes(5001)
    found = refusal(world, model=REGISTERED, fallbacks=[LINKED], reference={"id": UPLOADED})
    assert found == {"/reference/id": "must name a file of at most 5000 bytes for house/linked, got 5001"}


def test_an_upload_may_be_named_until_a_day_before_its_file_goes() -> None:
    with a_world() as world:
        world.references.files[KEY] = bytes(5000)
        world.clock.now = NOON + timedelta(days=29) - timedelta(milliseconds=1)
        submit(world, reference={"id": UPLOADED})
    late = a_world()
    late.references.files[KEY] = bytes(5000)
    late.clock.now = NOON + timedelta(days=29)
    assert refusal(late, reference={"id": UPLOADED}) == {
        "/reference/id": "could be named for 29 days; upload the recording again"
    }


@pytest.mark.check
def test_the_bucket_keeps_references_as_long_as_their_rule_says() -> None:
    template = read_template(Path(__file__).resolve().parents[4] / "template.yaml")
    rules = template["Resources"]["AudioBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    [rule] = [rule for rule in rules if rule.get("Prefix") == "references/"]
    assert timedelta(days=rule["ExpirationInDays"]) == KEPT


def test_an_id_contains_the_time_of_its_creation() -> None:
    moment = datetime(2026, 11, 21, 12, 0, 0, 7000, tzinfo=UTC)
    reference_id = new_reference_id(moment, bytes(range(10)))
    assert is_reference_id(reference_id)
    assert reference_created_at(reference_id) == moment
    assert usable_until(reference_id) == moment + timedelta(days=29)


# ---- what was measured


@pytest.mark.parametrize(
    ("reference", "code", "message"),
    [
        (
            prepared(extension="flac", content_type="audio/flac"),
            "reference_wrong_format",
            "mp3 or wav, found audio/flac",
        ),
        (prepared(bytes=5001), "reference_too_large", "at most 5000 bytes, found 5001"),
        (prepared(duration_ms=15_000), "reference_too_short", "more than 15 s, found 15.000 s"),
        (prepared(duration_ms=600_001), "reference_too_long", "at most 600 s, found 600.001 s"),
    ],
)
def test_a_recording_outside_of_a_rule_is_an_invalid_request_without_charge(
    reference: PreparedReference, code: str, message: str
) -> None:
    failure = refused_by(LINK_RULE, reference)
    assert failure is not None
    assert (failure.code, failure.failure_class, failure.provider_charged) == (
        code,
        FailureClass.INVALID_REQUEST,
        ProviderCharged.NO,
    )
    assert message in failure.message


@pytest.mark.parametrize(
    "reference", [prepared(duration_ms=15_001), prepared(duration_ms=600_000), prepared(bytes=5000, extension="wav")]
)
def test_a_recording_at_the_edge_of_a_rule_is_allowed(reference: PreparedReference) -> None:
    assert refused_by(LINK_RULE, reference) is None


def test_a_body_with_a_reference_is_read_back_from_its_record() -> None:
    request, _ = parse_song_request(body(reference={"audio_url": AUDIO_URL}), CATALOGUE)
    assert type(request).model_validate(json.loads(request.model_dump_json())) == request


# ---- lengths and formats of a recording


@pytest.mark.parametrize(
    ("ms", "code"),
    [(5_999, "reference_too_short"), (6_000, None), (360_000, None), (360_001, "reference_too_long")],
)
@pytest.mark.parametrize("extension", ["mp3", "wav", "flac"])
def test_a_cover_takes_six_seconds_to_six_minutes_both_included(ms: int, code: str | None, extension: str) -> None:
    cover = read_catalogue().find("minimax/music-cover")
    assert cover is not None
    assert cover.reference is not None
    found = refused_by(cover.reference, prepared(duration_ms=ms, extension=extension))
    assert (found and found.code) == code
    if code == "reference_too_short":
        assert found is not None
        assert "expected at least 6 s, found 5.999 s" in found.message


@pytest.mark.parametrize(("ms", "passes"), [(15_000, False), (15_001, True)])
def test_longer_than_is_strict(ms: int, passes: bool) -> None:
    found = refused_by(LINK_RULE, prepared(duration_ms=ms))
    assert (found is None) is passes
    assert passes or (found is not None and "expected more than 15 s" in found.message)


@pytest.mark.parametrize(("size", "passes"), [(50_000_000, True), (50_000_001, False)])
def test_a_cover_takes_fifty_megabytes(size: int, passes: bool) -> None:
    cover = read_catalogue().find("aimlapi/minimax/music-cover")
    assert cover is not None
    assert cover.reference is not None
    assert (refused_by(cover.reference, prepared(bytes=size)) is None) is passes
