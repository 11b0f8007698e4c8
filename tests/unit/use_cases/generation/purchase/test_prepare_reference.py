"""A reference is fetched once, measured, checked and handed over before anything is paid, however often a run dies."""

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from fermata.adapters.audio.measurement import FileAudioMeter
from fermata.domain.catalogue.models import ReferenceRule
from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import NextStep, StepKind
from fermata.domain.jobs.status import JobStatus
from fermata.domain.orders.candidates import Candidate
from fermata.domain.providers.circuit import Circuit
from fermata.domain.providers.failures import FailureClass, ProviderCharged
from fermata.domain.providers.queue import epoch_ms
from fermata.domain.providers.state import ProviderState
from fermata.errors import (
    AnswerLostError,
    BadAudioError,
    ConfigurationError,
    FermataError,
    LinkExpiredError,
    NotSentError,
    StaleRecordError,
    TransientError,
    UnsafeLinkError,
)
from fermata.use_cases.generation.finish.reap_jobs import reap_jobs
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.purchase.prepare_reference import prepare_reference
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.orders.cancel_job import cancel_job
from fermata.use_cases.orders.delete_job import delete_job
from fermata.wiring.generation import prepare_ports, queue_ports, reap_ports, settle_ports, start_ports
from fermata.wiring.orders import delete_ports
from tests.fakes.audio.links import FakeReferenceLinks
from tests.fakes.clock import NOON
from tests.fakes.providers.provider_keys import KEY, FixedProviderKeys
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.settings import pace
from tests.fakes.world import World
from tests.references import (
    AUDIO_URL,
    IDS_RULE,
    LINK_RULE,
    LINKED,
    LINKED_CANDIDATE,
    REFERENCE_ID,
    REGISTERED_CANDIDATE,
    ScriptedTaker,
    catalogue,
    copy_of,
    job_with,
    known_as,
    listening,
    prepared,
    sings_after,
)
from tests.songs import JOB_ID, hex_answer, json_answer, wav_file

AUDIO = b"ID3" + bytes(range(256)) * 8
SONG = hex_answer(b"ID3" + bytes(2000))
IDS = json_answer({"voice_id": "vocal-1", "instrumental_id": "instrumental-1"})
NOON_MS = epoch_ms(NOON)
COPY = copy_of(AUDIO)
UPLOAD = f"references/acme/{REFERENCE_ID}"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(scratch=tmp_path, catalogue=catalogue(), takers=lambda _dialect: ScriptedTaker())
    world.reference_links.files[AUDIO_URL] = AUDIO
    return world


def prepare(after_attempt: int = 0) -> NextStep:
    return prepare_reference(JOB_ID, after_attempt, prepare_ports(), "run-1")


def start(world: World, run: str = "run-1") -> NextStep:
    return start_generation(JOB_ID, start_ports(world.remaining_ms), run)


def stored_copy(world: World, *, registered: bool = False, **changes: object) -> Job:
    """A job whose recording is stored and measured already."""
    world.references.files[COPY] = AUDIO
    facts = {"object_key": COPY, "sha256": hashlib.sha256(AUDIO).hexdigest(), "bytes": len(AUDIO), **changes}
    ids = (known_as(),) if registered else ()
    job = job_with(None, REGISTERED_CANDIDATE).model_copy(update={"reference": prepared(*ids, **facts)})
    world.jobs.create(job)
    return job


# ---- the recording


def test_a_recording_is_copied_measured_and_recorded(world: World) -> None:
    world.jobs.create(job_with())
    assert prepare().kind is StepKind.REFERENCE_READY
    assert world.references.files == {COPY: AUDIO}
    assert world.references.content_types == {COPY: "audio/mpeg"}
    job = world.stored(JOB_ID)
    assert (job.status, job.attempts, job.refusal) == (JobStatus.QUEUED, (), None)
    assert job.reference == prepared(
        bytes=len(AUDIO), duration_ms=25_364, sha256=hashlib.sha256(AUDIO).hexdigest(), object_key=COPY
    )


def test_an_upload_is_copied_for_a_provider_that_fetches_it_so_that_the_measured_file_cannot_change(
    world: World,
) -> None:
    world.references.files[UPLOAD] = AUDIO
    world.jobs.create(job_with({"id": REFERENCE_ID}))
    prepare()
    world.references.files[UPLOAD] = b"something else"
    assert world.references.files[COPY] == AUDIO
    assert world.reference_links.fetched == []


# ---- one upload, many jobs

MANY = [f"job_01JD0ABCDEFGHJKMNPQRSTVW{number:02}" for number in range(5)]


def many_jobs_after_one_upload(world: World, *chain: Candidate) -> None:
    world.references.files[UPLOAD] = AUDIO
    for job_id in MANY:
        world.jobs.create(job_with({"id": REFERENCE_ID}, *chain, id=job_id))


def test_an_upload_is_one_object_however_many_jobs_hand_it_over(world: World) -> None:
    many_jobs_after_one_upload(world, REGISTERED_CANDIDATE)
    world.upstream = FakeUpstream(*[IDS] * len(MANY))
    for job_id in MANY:
        for _ in range(2):
            prepare_reference(job_id, 0, prepare_ports(), "run-1")
        assert world.stored(job_id).ids == known_as()
        assert world.references.files == {UPLOAD: AUDIO}
    assert [uploaded.content for uploaded in world.upstream.uploaded] == [AUDIO] * len(MANY)


def test_copies_that_a_provider_fetches_are_deleted_with_the_end_of_their_jobs(world: World) -> None:
    many_jobs_after_one_upload(world)
    for job_id in MANY:
        prepare_reference(job_id, 0, prepare_ports(), "run-1")
    assert set(world.references.files) == {UPLOAD, *(copy_of(AUDIO, job_id) for job_id in MANY)}
    for number, job_id in enumerate(MANY, 1):
        settle_job(job_id, "Execution.ABORTED", settle_ports(), world.clock())
        assert len(world.references.files) == 1 + len(MANY) - number
    assert world.references.files == {UPLOAD: AUDIO}


def test_the_copy_of_a_canceled_job_is_deleted_once_its_end_is_published(world: World) -> None:
    world.references.files[UPLOAD] = AUDIO
    world.jobs.create(job_with({"id": REFERENCE_ID}))
    prepare()
    cancel_job(JOB_ID, "acme", world.jobs, world.clock())
    assert reap_jobs(reap_ports(world.lose), world.clock())["settled"] == 1
    assert world.references.files == {UPLOAD: AUDIO}


def test_a_copy_made_while_its_job_is_canceled_and_published_is_deleted_with_the_execution(world: World) -> None:
    world.references.files[UPLOAD] = AUDIO
    world.jobs.create(job_with({"id": REFERENCE_ID}))

    def cancel_and_tell() -> None:
        cancel_job(JOB_ID, "acme", world.jobs, world.clock())
        settle_job(JOB_ID, None, settle_ports(), world.clock())
        world.references.files[COPY] = AUDIO

    world.jobs.before_next_save = cancel_and_tell
    with pytest.raises(StaleRecordError):
        prepare()
    assert prepare().kind is StepKind.FAILED
    settle_job(JOB_ID, None, settle_ports(), world.clock())
    assert world.references.files == {UPLOAD: AUDIO}


class DrippingLinks(FakeReferenceLinks):
    """Serves one recording, and before its end does what happens meanwhile."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self.files[AUDIO_URL] = AUDIO
        self.meanwhile = meanwhile

    def fetch(self, url: str) -> Iterator[bytes]:
        yield from super().fetch(url)
        self.meanwhile()


def ends_meanwhile(world: World, *, deleted: bool) -> None:
    """The caller's server drips until the caller has canceled, and perhaps deleted, the job; then the body ends."""

    def end() -> None:
        cancel_job(JOB_ID, "acme", world.jobs, world.clock())
        settle_job(JOB_ID, None, settle_ports(), world.clock())
        if deleted:
            delete_job(JOB_ID, "acme", delete_ports(), world.clock())

    world.reference_links = DrippingLinks(end)
    with pytest.raises(StaleRecordError):
        prepare()


@pytest.mark.parametrize("deleted", [False, True], ids=["canceled", "deleted"])
def test_a_run_whose_job_ended_while_it_fetched_leaves_no_copy(world: World, deleted: bool) -> None:
    world.jobs.create(job_with())
    ends_meanwhile(world, deleted=deleted)
    assert world.references.files == {}
    assert world.stored(JOB_ID).status is JobStatus.CANCELED


def test_a_run_that_lost_to_another_leaves_the_copy_that_is_on_record(world: World) -> None:
    world.jobs.create(job_with())
    world.jobs.before_next_save = prepare
    with pytest.raises(StaleRecordError):
        prepare()
    assert set(world.references.files) == {COPY}


def test_the_copy_of_a_deleted_job_that_its_run_could_not_delete_is_deleted_with_the_execution(world: World) -> None:
    world.jobs.create(job_with())
    ends_meanwhile(world, deleted=True)
    world.references.files[COPY] = AUDIO
    assert prepare().kind is StepKind.FAILED
    settle_job(JOB_ID, None, settle_ports(), world.clock())
    assert world.references.files == {}


def test_an_end_is_not_recorded_before_the_next_run_deletes_a_copy_that_could_not_be_deleted(
    world: World,
) -> None:
    world.jobs.create(job_with())
    prepare()
    world.references.fail_next_forget = TransientError("the job's files could not be deleted: SlowDown; try again")
    with pytest.raises(TransientError):
        settle_job(JOB_ID, "Execution.ABORTED", settle_ports(), world.clock())
    assert (world.stored(JOB_ID).publish_pending, set(world.references.files)) == (True, {COPY})
    settle_job(JOB_ID, None, settle_ports(), world.clock())
    assert (world.stored(JOB_ID).publish_pending, world.references.files) == (False, {})


def test_a_fallback_that_fetches_the_recording_gets_a_copy_of_what_was_measured(world: World) -> None:
    provider, world.providers = listening()
    world.references.files[UPLOAD] = AUDIO
    world.jobs.create(job_with({"id": REFERENCE_ID}, REGISTERED_CANDIDATE, LINKED_CANDIDATE))
    world.upstream = FakeUpstream(IDS, REFUSED, SONG)
    for _ in range(2):
        prepare()
    assert start(world, "run-1").kind is StepKind.NEXT_PROVIDER
    assert start(world, "run-2").kind is StepKind.NEEDS_REFERENCE
    assert prepare(after_attempt=1).kind is StepKind.REFERENCE_READY
    assert start(world, "run-3").kind is StepKind.READY
    assert world.references.files == {UPLOAD: AUDIO, COPY: AUDIO}
    reference = world.stored(JOB_ID).reference
    assert reference is not None
    assert (reference.object_key, reference.ids) == (COPY, (known_as(),))
    told = provider.references[-1]
    assert told is not None
    assert COPY in told.url


# ---- bytes that change


def _overwritten(world: World) -> None:
    world.references.files[UPLOAD] = AUDIO[:-1] + b"!"


def _gone(world: World) -> None:
    del world.references.files[UPLOAD]


def _longer(world: World) -> None:
    world.references.files[UPLOAD] = AUDIO + b"!"


@pytest.mark.parametrize(
    ("change", "code"),
    [(_overwritten, "reference_changed"), (_longer, "reference_changed"), (_gone, "reference_gone")],
)
@pytest.mark.parametrize("chain", [(REGISTERED_CANDIDATE,), (REGISTERED_CANDIDATE, LINKED_CANDIDATE)])
def test_an_upload_that_changed_after_it_was_measured_ends_the_job_unpaid(
    world: World, change: Callable[[World], None], code: str, chain: tuple[Candidate, ...]
) -> None:
    world.references.files[UPLOAD] = AUDIO
    world.jobs.create(job_with({"id": REFERENCE_ID}, *chain))
    world.upstream = FakeUpstream(IDS, REFUSED)
    prepare()
    after = 0
    if len(chain) > 1:
        prepare()
        assert start(world, "run-1").kind is StepKind.NEXT_PROVIDER
        after = 1
    change(world)
    posts, uploaded = world.upstream.posts, len(world.upstream.uploaded)
    assert prepare(after).kind is StepKind.FAILED
    settle_job(JOB_ID, None, settle_ports(), world.clock())
    failure = world.stored(JOB_ID).failure
    assert failure is not None
    assert (failure.code, failure.provider_charged) == (code, ProviderCharged.NO)
    assert (world.upstream.posts, len(world.upstream.uploaded)) == (posts, uploaded)


def test_an_upload_that_was_overwritten_before_it_was_measured_is_the_recording(world: World) -> None:
    world.references.files[UPLOAD] = AUDIO
    world.jobs.create(job_with({"id": REFERENCE_ID}, REGISTERED_CANDIDATE))
    _overwritten(world)
    world.upstream = FakeUpstream(IDS)
    for _ in range(2):
        assert prepare().kind is StepKind.REFERENCE_READY
    assert world.upstream.uploaded[0].content == AUDIO[:-1] + b"!"


@pytest.mark.parametrize("candidate", [LINKED_CANDIDATE, REGISTERED_CANDIDATE])
def test_one_of_two_runs_that_fetch_different_bytes_is_on_record_and_its_bytes_are_used(
    world: World, candidate: Candidate
) -> None:
    provider, world.providers = listening()
    other = AUDIO + b"other bytes"
    world.jobs.create(job_with(None, candidate))
    world.upstream = FakeUpstream(IDS, SONG) if candidate is REGISTERED_CANDIDATE else FakeUpstream(SONG)

    def first() -> None:
        world.reference_links.files[AUDIO_URL] = AUDIO
        prepare()

    # This run was given other bytes, stores them last, and is too late to record them.
    world.reference_links.files[AUDIO_URL] = other
    world.jobs.before_next_save = first
    with pytest.raises(StaleRecordError):
        prepare()
    reference = world.stored(JOB_ID).reference
    assert reference is not None
    assert (reference.object_key, world.references.files[reference.object_key]) == (COPY, AUDIO)
    prepare()
    assert start(world).kind is StepKind.READY
    told = provider.references[-1]
    assert told is not None
    assert COPY in told.url or [each.content for each in world.upstream.uploaded] == [AUDIO]
    settle_job(JOB_ID, "Execution.ABORTED", settle_ports(), world.clock())
    assert world.references.files == {}


def test_a_recording_is_what_its_bytes_say_and_not_what_it_is_called(world: World) -> None:
    audio = wav_file(20, 8000)
    rule = LINK_RULE.model_copy(update={"max_bytes": len(audio)})
    world.reference_links.files[AUDIO_URL] = audio
    world.meter = FileAudioMeter()  # type: ignore[assignment]  # the real one, to look at the bytes
    world.jobs.create(job_with(None, sings_after(LINKED, rule)))
    prepare()
    reference = world.stored(JOB_ID).reference
    assert reference is not None
    assert (reference.content_type, reference.extension, reference.duration_ms) == ("audio/wav", "wav", 20_000)


def test_preparing_twice_fetches_once_and_changes_nothing(world: World) -> None:
    world.jobs.create(job_with())
    prepare()
    before = world.stored(JOB_ID)
    assert prepare().kind is StepKind.REFERENCE_READY
    assert (world.stored(JOB_ID), world.reference_links.fetched) == (before, [AUDIO_URL])


def test_a_run_that_died_before_its_record_is_repeated_whole(world: World) -> None:
    world.jobs.create(job_with())
    world.references.fail_next_put = TransientError("the reference could not be stored")
    with pytest.raises(TransientError):
        prepare()
    assert world.stored(JOB_ID) == job_with()
    assert prepare().kind is StepKind.REFERENCE_READY
    assert list(world.scratch.iterdir()) == []


def test_two_runs_at_once_agree(world: World) -> None:
    world.jobs.create(job_with())
    world.jobs.before_next_save = prepare
    with pytest.raises(StaleRecordError):
        prepare()
    before = world.stored(JOB_ID)
    assert prepare().kind is StepKind.REFERENCE_READY
    assert (world.stored(JOB_ID), set(world.references.files)) == (before, {COPY})


@pytest.mark.parametrize(
    ("file", "code", "found"),
    [
        pytest.param(LinkExpiredError("files answered 404"), "reference_gone", "404", id="dead"),
        pytest.param(UnsafeLinkError("x resolves"), "reference_link_unsafe", "x resolves", id="unsafe"),
        pytest.param(BadAudioError("longer than"), "reference_not_audio", "longer than", id="endless"),
        pytest.param(bytes(5001), "reference_too_large", "at most 5000 bytes, found more", id="too_large"),
        pytest.param(b"<html>" * 400, "reference_not_audio", "found a web page", id="html"),
        pytest.param(b"", "reference_not_audio", "found 0", id="empty"),
        pytest.param(wav_file(0.02), "reference_too_short", "more than 15 s, found 0.020 s", id="short"),
    ],
)
def test_a_recording_that_cannot_be_used_ends_the_job_unpaid(
    world: World, file: bytes | FermataError, code: str, found: str
) -> None:
    world.meter = FileAudioMeter()  # type: ignore[assignment]  # the real one, to look at the bytes
    world.reference_links.files[AUDIO_URL] = file
    world.jobs.create(job_with())
    assert prepare().kind is StepKind.FAILED
    assert settle_job(JOB_ID, None, settle_ports(), world.clock()) is JobStatus.FAILED
    job = world.stored(JOB_ID)
    assert job.failure is not None
    assert (job.failure.code, job.failure.failure_class, job.failure.provider_charged) == (
        code,
        FailureClass.INVALID_REQUEST,
        ProviderCharged.NO,
    )
    assert found in job.failure.message
    assert "canary" not in job.failure.message
    assert (job.attempts, world.references.files, world.upstream.sent) == ((), {}, [])


def test_a_recording_that_does_not_fit_into_the_memory_is_measured_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[object] = []

    def without_memory(window: object) -> None:
        tries.append(window)
        raise MemoryError

    monkeypatch.setattr("fermata.adapters.audio.measurement.find_start", without_memory)
    world.meter = FileAudioMeter()  # type: ignore[assignment]  # the real one, which meets the error
    world.reference_links.files[AUDIO_URL] = wav_file(0.02)
    world.jobs.create(job_with())
    assert prepare().kind is StepKind.FAILED
    refusal = world.stored(JOB_ID).refusal
    assert refusal is not None
    assert (refusal.code, len(tries)) == ("reference_not_audio", 1)


def test_an_endless_file_is_not_read_whole(world: World) -> None:
    world.reference_links.files[AUDIO_URL] = bytes(5000) + bytes(100_000)
    world.jobs.create(job_with())
    prepare()
    refusal = world.stored(JOB_ID).refusal
    assert refusal is not None
    assert refusal.code == "reference_too_large"


def test_an_upload_that_is_gone_ends_the_job_unpaid(world: World) -> None:
    world.jobs.create(job_with({"id": REFERENCE_ID}))
    assert prepare().kind is StepKind.FAILED
    refusal = world.stored(JOB_ID).refusal
    assert refusal is not None
    assert refusal.code == "reference_gone"


def test_no_song_is_ordered_after_a_refused_recording(world: World) -> None:
    world.reference_links.files[AUDIO_URL] = b""
    world.meter = FileAudioMeter()  # type: ignore[assignment]  # the real one, to look at the bytes
    world.jobs.create(job_with())
    prepare()
    assert start(world).kind is StepKind.FAILED
    assert prepare().kind is StepKind.FAILED
    assert world.upstream.sent == []


def test_trouble_of_a_link_is_reported_to_the_machine_and_changes_nothing(world: World) -> None:
    world.reference_links.files[AUDIO_URL] = TransientError("files answered 503")
    world.jobs.create(job_with())
    with pytest.raises(TransientError):
        prepare()
    assert world.stored(JOB_ID) == job_with()


@pytest.mark.parametrize(
    ("stopped_by", "code"),
    [
        ("TransientError", "reference_not_prepared"),
        ("SlowLinkError", "reference_not_prepared"),
        ("States.Timeout", "reference_not_prepared"),
        ("Execution.ABORTED", "not_started"),
        (None, "not_started"),
    ],
)
def test_a_job_whose_recording_never_arrived_ends_unpaid(world: World, stopped_by: str | None, code: str) -> None:
    world.jobs.create(job_with())
    settle_job(JOB_ID, stopped_by, settle_ports(), world.clock())
    failure = world.stored(JOB_ID).failure
    assert failure is not None
    assert (failure.code, failure.failure_class, failure.provider_charged) == (
        code,
        FailureClass.TRANSIENT,
        ProviderCharged.NO,
    )


# ---- handing over


def test_a_provider_that_wants_the_file_is_given_it_once_and_its_ids_are_recorded(world: World) -> None:
    job = stored_copy(world)
    world.upstream = FakeUpstream(IDS)
    assert prepare().kind is StepKind.REFERENCE_READY
    assert prepare().kind is StepKind.REFERENCE_READY
    [uploaded] = world.upstream.uploaded
    assert (uploaded.provider, uploaded.content, uploaded.key) == ("aimlapi", AUDIO, KEY)
    assert (uploaded.call.fields, uploaded.call.file_name, uploaded.call.content_type) == (
        {"purpose": "song"},
        "reference.mp3",
        "audio/mpeg",
    )
    assert uploaded.within_s < 120
    assert job.reference is not None
    assert world.stored(JOB_ID).reference == job.reference.known_by(known_as())
    assert world.stored(JOB_ID).attempts == ()


def test_a_provider_is_given_the_purpose_of_the_recording(world: World) -> None:
    job = stored_copy(world)
    request = job_with({"audio_url": AUDIO_URL, "purpose": "voice"}, REGISTERED_CANDIDATE).request
    world.jobs = type(world.jobs)()
    world.jobs.create(job.model_copy(update={"request": request}))
    world.upstream = FakeUpstream(json_answer({"voice_id": "vocal-1"}))
    prepare()
    assert world.upstream.uploaded[0].call.fields == {"purpose": "voice"}
    ids = world.stored(JOB_ID).ids
    assert ids is not None
    assert (ids.voice_id, ids.instrumental_id) == ("vocal-1", "")


@pytest.mark.parametrize(
    ("answer", "failure_class", "word"),
    [
        pytest.param(json_answer({"failure": "transient"}), "transient", StepKind.RETRY_LATER, id="transient"),
        pytest.param(json_answer({"failure": "rate_limited"}), "rate_limited", StepKind.RETRY_LATER, id="rate_limited"),
        pytest.param(json_answer({"failure": "unknown_outcome"}), "transient", StepKind.RETRY_LATER, id="unclear"),
        pytest.param(NotSentError("no connection"), "transient", StepKind.RETRY_LATER, id="no_connection"),
        pytest.param(AnswerLostError("cut"), "transient", StepKind.RETRY_LATER, id="cut"),
        pytest.param(
            ScriptedAnswer(b"{", ends_with=AnswerLostError("cut")), "transient", StepKind.RETRY_LATER, id="half"
        ),
        pytest.param(json_answer({"failure": "auth"}), "auth", StepKind.FAILED, id="auth"),
        pytest.param(json_answer({"failure": "invalid_request"}), "invalid_request", StepKind.FAILED, id="invalid"),
    ],
)
def test_a_provider_that_does_not_take_the_file_fails_an_attempt_without_a_charge(
    world: World, answer: ScriptedAnswer | FermataError, failure_class: str, word: StepKind
) -> None:
    stored_copy(world)
    world.upstream = FakeUpstream(answer)
    assert prepare().kind is word
    job = world.stored(JOB_ID)
    [attempt] = job.attempts
    assert attempt.failure is not None
    assert (attempt.state, attempt.failure.failure_class, attempt.provider_charged) == (
        AttemptState.FAILED,
        FailureClass(failure_class),
        ProviderCharged.NO,
    )
    assert (attempt.number, attempt.provider, attempt.key_alias) == (1, "aimlapi", "default")
    assert world.upstream.posts == 0


@pytest.mark.parametrize("failure_class", ["auth", "invalid_request", "content_refused", "provider_error"])
def test_a_provider_that_will_never_take_the_file_is_not_called_again(world: World, failure_class: str) -> None:
    stored_copy(world)
    world.upstream = FakeUpstream(json_answer({"failure": failure_class}))
    assert prepare().kind is StepKind.FAILED
    assert start(world).kind is StepKind.FAILED
    assert prepare(after_attempt=1).kind is StepKind.FAILED
    assert (len(world.upstream.uploaded), world.upstream.sent) == (1, [])


def test_a_run_whose_failed_upload_is_on_record_does_not_upload_again(world: World) -> None:
    stored_copy(world)
    world.upstream = FakeUpstream(json_answer({"failure": "transient"}))
    first = prepare()
    before = world.stored(JOB_ID)
    assert prepare() == first
    assert (world.stored(JOB_ID), len(world.upstream.uploaded)) == (before, 1)


def test_an_upload_that_failed_is_repeated_after_a_pause_and_the_song_is_ordered(world: World) -> None:
    stored_copy(world)
    provider, world.providers = listening()
    world.upstream = FakeUpstream(json_answer({"failure": "rate_limited"}), IDS, SONG)
    waiting = prepare()
    assert (waiting.kind, waiting.not_before) == (StepKind.RETRY_LATER, "2026-11-21T12:00:10Z")
    needed = start(world)
    assert (needed.kind, needed.attempt) == (StepKind.NEEDS_REFERENCE, 1)
    assert prepare(after_attempt=1).kind is StepKind.REFERENCE_READY
    assert start(world).kind is StepKind.READY
    assert len(provider.orders) == 1


def test_a_provider_that_never_takes_the_file_is_called_four_times(world: World) -> None:
    stored_copy(world)
    world.upstream = FakeUpstream(*[json_answer({"failure": "transient"})] * 4)
    words = [prepare(number).kind for number in range(4)]
    assert words == [StepKind.RETRY_LATER] * 3 + [StepKind.FAILED]
    assert start(world).kind is StepKind.FAILED
    assert world.upstream.posts == 0


def test_a_fallback_follows_a_provider_that_does_not_take_the_file(world: World) -> None:
    job = stored_copy(world)
    world.jobs = type(world.jobs)()
    world.jobs.create(job.model_copy(update={"candidates": (REGISTERED_CANDIDATE, LINKED_CANDIDATE)}))
    world.upstream = FakeUpstream(json_answer({"failure": "out_of_credit"}), SONG)
    assert prepare().kind is StepKind.NEXT_PROVIDER
    assert start(world).kind is StepKind.READY
    assert [attempt.candidate for attempt in world.stored(JOB_ID).attempts] == [0, 1]


def test_a_copy_that_is_not_what_was_stored_is_not_handed_over(world: World) -> None:
    stored_copy(world)
    world.references.files[COPY] = AUDIO[:-1]
    with pytest.raises(TransientError):
        prepare()
    assert world.upstream.uploaded == []


def test_a_key_that_was_removed_during_preparation_is_left_to_the_operator(world: World) -> None:
    stored_copy(world)
    world.keys = FixedProviderKeys({})
    with pytest.raises(ConfigurationError):
        prepare()


# ---- the order


def test_no_order_goes_out_before_the_recording_is_prepared(world: World) -> None:
    world.jobs.create(job_with())
    verdict = start(world)
    assert (verdict.kind, verdict.attempt) == (StepKind.NEEDS_REFERENCE, 0)
    assert (world.stored(JOB_ID), world.upstream.sent) == (job_with(), [])


def test_an_order_names_our_own_copy_by_a_link_of_an_hour(world: World) -> None:
    provider, world.providers = listening()
    world.upstream = FakeUpstream(SONG)
    world.jobs.create(job_with())
    prepare()
    assert start(world).kind is StepKind.READY
    [reference] = provider.references
    assert reference is not None
    assert reference.url == f"https://references.test/{COPY}?ttl=3600&X-Amz-Signature=canary"
    assert (reference.voice_id, reference.instrumental_id) == ("", "")


def test_an_order_names_the_providers_own_ids_and_uses_the_key_of_the_account_that_knows_them(world: World) -> None:
    provider, world.providers = listening()
    stored_copy(world, registered=True)
    world.keys = FixedProviderKeys({"aimlapi": {"new": "sk-new", "default": KEY}})
    world.upstream = FakeUpstream(SONG)
    assert start(world).kind is StepKind.READY
    [reference] = provider.references
    assert reference is not None
    assert (reference.url, reference.voice_id, reference.instrumental_id) == ("", "vocal-1", "instrumental-1")
    assert world.upstream.sent[0].key == KEY
    assert world.stored(JOB_ID).attempts[0].key_alias == "default"


def test_ids_of_a_key_that_is_gone_are_requested_again_with_the_new_key(world: World) -> None:
    stored_copy(world, registered=True)
    world.keys = FixedProviderKeys({"aimlapi": {"new": "sk-new"}})
    world.upstream = FakeUpstream(json_answer({"voice_id": "vocal-2"}), SONG)
    assert start(world).kind is StepKind.NEEDS_REFERENCE
    assert prepare().kind is StepKind.REFERENCE_READY
    assert start(world).kind is StepKind.READY
    assert [uploaded.key for uploaded in world.upstream.uploaded] == ["sk-new"]
    assert world.stored(JOB_ID).ids == known_as("vocal-2", "", "new")


def test_nothing_is_prepared_for_a_provider_without_a_key(world: World) -> None:
    world.jobs.create(job_with())
    world.keys = FixedProviderKeys({})
    assert start(world).kind is StepKind.FAILED
    assert world.reference_links.fetched == []


def test_a_song_without_a_reference_is_ordered_without_one(world: World) -> None:
    provider, world.providers = listening()
    plain = REGISTERED_CANDIDATE.model_copy(update={"reference": None})
    world.upstream = FakeUpstream(SONG)
    world.jobs.create(job_with(None, plain))
    start(world)
    assert provider.references == [None]


# ---- fallbacks

REFUSED = json_answer({"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}})


def chain(world: World, rule_of_the_fallback: ReferenceRule = IDS_RULE) -> None:
    fallback = REGISTERED_CANDIDATE.model_copy(update={"reference": rule_of_the_fallback})
    world.jobs.create(job_with(None, LINKED_CANDIDATE, fallback))


def test_a_fallback_uses_the_recording_that_was_fetched_for_the_first_model(world: World) -> None:
    provider, world.providers = listening()
    chain(world)
    world.upstream = FakeUpstream(REFUSED, IDS, SONG)
    prepare()
    assert start(world, "run-1").kind is StepKind.NEXT_PROVIDER
    needed = start(world, "run-2")
    assert (needed.kind, needed.attempt) == (StepKind.NEEDS_REFERENCE, 1)
    assert prepare(needed.attempt).kind is StepKind.REFERENCE_READY
    assert start(world, "run-3").kind is StepKind.READY
    assert world.reference_links.fetched == [AUDIO_URL]
    assert [reference.voice_id for reference in provider.references if reference] == ["", "vocal-1"]


@pytest.mark.parametrize("rule", [LINK_RULE, IDS_RULE], ids=["link", "ids"])
def test_a_fallback_checks_the_recording_against_its_own_rule_without_a_second_fetch(
    world: World, rule: ReferenceRule
) -> None:
    chain(world, rule.model_copy(update={"longer_than_s": 26}))
    world.upstream = FakeUpstream(REFUSED)
    prepare()
    start(world, "run-1")
    needed = start(world, "run-2")
    assert (needed.kind, needed.attempt) == (StepKind.NEEDS_REFERENCE, 1)
    assert prepare(needed.attempt).kind is StepKind.FAILED
    settle_job(JOB_ID, None, settle_ports(), world.clock())
    job = world.stored(JOB_ID)
    assert job.failure is not None
    assert (job.failure.code, len(job.attempts)) == ("reference_too_short", 1)
    assert (world.reference_links.fetched, world.upstream.uploaded) == ([AUDIO_URL], [])


# ---- the line before the provider


def opened(world: World, *, disabled: bool = False, until_ms: int = NOON_MS + 30_000) -> None:
    """No run calls the provider for half a minute, or until the operator enables it again."""
    shut = {"disabled_at_ms": 1, "disabled_by": "2153"}
    circuit = Circuit(**(shut if disabled else {"open_until_ms": until_ms, "open_for_ms": 30_000}))
    world.provider_states.save(ProviderState(provider="aimlapi", version=1, circuit=circuit))


@pytest.mark.parametrize("copied", [False, True], ids=["to be copied", "to be handed over"])
def test_a_job_whose_recording_is_not_prepared_keeps_no_place_and_no_slot_from_others(
    world: World, copied: bool
) -> None:
    if copied:
        stored_copy(world)
    else:
        world.jobs.create(job_with(None, REGISTERED_CANDIDATE))
    assert start(world).kind is StepKind.NEEDS_REFERENCE
    assert world.provider_states.load("aimlapi") == ProviderState(provider="aimlapi")


def test_a_job_takes_its_turn_once_its_recording_is_prepared_and_is_not_prepared_again(world: World) -> None:
    stored_copy(world)
    world.operator = pace(gap_ms=5000, concurrent=5)
    busy = ProviderState(provider="aimlapi").ask(
        "another", NOON_MS, NOON_MS + 1000, queue_ports().limits("aimlapi"), has_alternative=False
    )
    world.provider_states.set_queue("aimlapi", busy[0].queue)
    world.upstream = FakeUpstream(IDS, SONG)
    assert start(world).kind is StepKind.NEEDS_REFERENCE
    assert prepare().kind is StepKind.REFERENCE_READY
    waiting = start(world)
    assert (waiting.kind, waiting.not_before) == (StepKind.WAIT_SLOT, "2026-11-21T12:00:05Z")
    world.clock.pass_seconds(5)
    assert start(world).kind is StepKind.READY
    assert len(world.upstream.uploaded) == 1


def test_a_recording_is_copied_while_its_provider_is_not_called(world: World) -> None:
    opened(world)
    world.jobs.create(job_with(None, REGISTERED_CANDIDATE))
    assert start(world).kind is StepKind.NEEDS_REFERENCE
    assert prepare().kind is StepKind.REFERENCE_READY
    assert world.upstream.uploaded == []


def test_a_recording_is_handed_to_a_provider_under_a_pause_only_after_the_pause(world: World) -> None:
    opened(world)
    stored_copy(world)
    waiting = start(world)
    assert (waiting.kind, waiting.not_before) == (StepKind.WAIT_SLOT, "2026-11-21T12:00:30Z")
    world.clock.pass_seconds(29.5)
    assert start(world).kind is StepKind.NEEDS_REFERENCE
    assert world.clock() == NOON + timedelta(seconds=30)
    assert world.provider_states.load("aimlapi").queue.waiting == {}


@pytest.mark.parametrize(("disabled", "code"), [(False, "circuit_open"), (True, "provider_disabled")])
def test_another_provider_is_called_at_once_where_the_first_gets_no_recording(
    world: World, disabled: bool, code: str
) -> None:
    opened(world, disabled=disabled)
    job = stored_copy(world)
    world.jobs = type(world.jobs)()
    elsewhere = LINKED_CANDIDATE.model_copy(update={"provider": "minimax"})
    world.jobs.create(job.model_copy(update={"candidates": (REGISTERED_CANDIDATE, elsewhere)}))
    world.upstream = FakeUpstream(SONG)
    assert start(world, "run-1").kind is StepKind.NEXT_PROVIDER
    [attempt] = world.stored(JOB_ID).attempts
    assert attempt.failure is not None
    assert (attempt.failure.code, attempt.provider_charged) == (code, ProviderCharged.NO)
    assert start(world, "run-2").kind is StepKind.READY
    assert world.upstream.uploaded == []


def test_a_recording_for_a_provider_that_shut_the_account_out_ends_the_job_without_a_call(world: World) -> None:
    opened(world, disabled=True)
    stored_copy(world)
    assert start(world).kind is StepKind.FAILED
    assert (world.upstream.uploaded, world.upstream.sent) == ([], [])


# ---- privacy


def test_no_link_is_in_a_verdict_or_in_what_was_prepared(world: World) -> None:
    provider, world.providers = listening()
    world.upstream = FakeUpstream(SONG)
    world.jobs.create(job_with())
    verdicts = [start(world), prepare(), start(world)]
    assert len(provider.orders) == 1
    assert "canary" not in json.dumps([verdict.as_payload() for verdict in verdicts])
    job = world.stored(JOB_ID)
    record = job.model_dump(mode="json", exclude={"request"})
    assert "canary" not in json.dumps(record)
