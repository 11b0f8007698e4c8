"""A file of many requests: read once, listed for the state machine, submitted line by line, and reported at the end."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from fermata.domain.money.movement import grant_of
from fermata.domain.money.wallet import Plan, empty_wallet
from fermata.domain.orders.idempotency import KEPT_FOR
from fermata.domain.providers.spending import NEW_ORDERS
from fermata.domain.tenants.plan_limits import TRIGGER_CALLS, PlanLimits
from fermata.domain.tenants.tenant import Tenant
from fermata.domain.triggers import json_lines, refusals
from fermata.domain.triggers.batch import MOST_OPEN_BATCHES, READ_WITHIN, Batch, manifest_of
from fermata.domain.triggers.inbox import InboxFile, LineOfFile
from fermata.domain.triggers.json_lines import MAX_BAD_LINES
from fermata.domain.triggers.refusals import LONGEST_WAIT
from fermata.domain.triggers.senders import Change
from fermata.errors import BatchGivenUpError, DrainingError, TransientError
from fermata.limit_errors import LossesAtRiskError, RateLimitedError, TooManyJobsError
from fermata.use_cases.operator.set_triggers import set_triggers
from fermata.use_cases.orders.cancel_job import cancel_job
from fermata.use_cases.triggers.complete_batch import complete_batch
from fermata.use_cases.triggers.ingest_file import ingest_file
from fermata.use_cases.triggers.submit_line import submit_line
from fermata.wiring.accounts import call_meter
from fermata.wiring.triggers import file_ports, line_ports
from tests.fakes.clock import NOON
from tests.fakes.jobs.job_store import InMemoryJobStore
from tests.fakes.money.wallet_store import InMemoryWalletStore
from tests.fakes.triggers.inbox_store import InMemoryInboxStore
from tests.fakes.world import World
from tests.functions import ROOT, FakeContext, wired_app
from tests.songs import LYRICS
from tests.unit.use_cases.triggers.test_ingest_file import created, refused

KEY = "requests/acme/batch.jsonl"
CANARY = "words of a request"


def song(prompt: str, **fields: object) -> bytes:
    return json.dumps({"model": "minimax/music-2.5", "prompt": prompt, "lyrics": LYRICS, **fields}).encode()


BODY = b"\n".join([song(CANARY), b"nonsense", b"", song("second"), song("third", model="no/model"), b"[]"])


@pytest.fixture
def world() -> World:
    world = World()
    world.tenants.create_tenant(Tenant(tenant_id="acme", created_at=NOON))
    set_triggers("acme", Change(inbox=True), world.triggers)
    return world


def put_in(world: World, body: bytes = BODY, version_id: str = "v1") -> InboxFile:
    file = world.inbox.put_in(KEY, body, version_id)
    ingest_file(created(file), file_ports(), NOON)
    return file


def lines_of(world: World, file: InboxFile) -> list[LineOfFile]:
    """The lines as the state machine hands them on."""
    items = json.loads(world.inbox.written[manifest_of(file)])
    return [LineOfFile.model_validate({"file": file.model_dump(), **item}) for item in items]


def run(world: World, file: InboxFile, first: int = 0, now: datetime = NOON) -> list[str]:
    """What becomes of each line; jobs have ids that differ."""
    ports = line_ports()
    return [submit_line(line, ports, now) for number, line in enumerate(lines_of(world, file), first)]


def completed(world: World, file: InboxFile, stopped_by: str | None = None) -> dict[str, Any]:
    """What the tenant reads once the machine has ended."""
    (given,) = world.batches.started.values()
    complete_batch(Batch.model_validate(given), stopped_by, world.inbox, world.open_batches, NOON)
    return world.inbox.document(f"{file.results}completed.json")


def test_a_file_is_listed_for_the_machine_without_a_word_of_its_requests(world: World) -> None:
    file = put_in(world)
    assert [(line.line, line.start) for line in lines_of(world, file)] == [
        (1, 0),
        (4, BODY.index(song("second"))),
        (5, BODY.index(song("third", model="no/model"))),
    ]
    given = world.batches.started[f"inbox-{file.run}"]
    assert (given["good"], given["bad"], given["concurrency"], given["tolerated_failure_percent"]) == (3, 2, 20, 10)
    assert CANARY not in json.dumps(given) + str(world.inbox.written)


def test_bad_lines_are_reported_by_number(world: World) -> None:
    file = put_in(world)
    reported = [json.loads(line) for line in world.inbox.written[f"{file.results}bad-lines.jsonl"].splitlines()]
    assert [(each["line"], each["problem"]["type"].rpartition(":")[2]) for each in reported] == [
        (2, "malformed_body"),
        (6, "invalid_request"),
    ]


class Counting(InMemoryInboxStore):
    """An inbox that counts the bytes that were read of files."""

    def __init__(self) -> None:
        super().__init__(chunk_bytes=1024)
        self.read_bytes = 0

    def open(self, file: InboxFile) -> Iterator[bytes]:
        for chunk in super().open(file):
            self.read_bytes += len(chunk)
            yield chunk


def test_a_junk_file_is_refused_after_so_many_bad_lines_with_what_was_read_so_far(world: World) -> None:
    world.inbox = inbox = Counting()
    junk = b"\n".join([song(CANARY), *[b"nonsense"] * (MAX_BAD_LINES + 1), *[song("never read")] * 20_000])
    file = put_in(world, junk)
    assert refused(world, file) == "malformed_body"
    detail = inbox.document(f"{file.results}result.json")["problem"]["detail"]
    assert f"{MAX_BAD_LINES + 1} of the first {MAX_BAD_LINES + 2} lines are none" in detail
    assert "bad-lines.jsonl has what was found" in detail
    reported = inbox.written[f"{file.results}bad-lines.jsonl"].splitlines()
    assert (len(reported), json.loads(reported[0])["line"]) == (MAX_BAD_LINES + 1, 2)
    assert set(inbox.written) == {f"{file.results}result.json", f"{file.results}bad-lines.jsonl"}
    assert inbox.read_bytes < len(junk) / 2


def test_a_line_that_is_run_again_long_after_its_result_was_lost_makes_no_second_job(world: World) -> None:
    file = put_in(world)
    line, other = lines_of(world, file)[:2]
    world.inbox.failure = TransientError("no bucket")
    with pytest.raises(TransientError):
        submit_line(line, line_ports(), NOON)
    world.inbox.failure = None
    later = NOON + timedelta(days=14)
    assert submit_line(line, line_ports(), later) == "accepted"
    assert len(world.jobs) == 1
    submit_line(other, line_ports(), later)
    assert len(world.jobs) == 2


def test_what_else_lies_among_the_results_of_lines_stops_no_completion(world: World) -> None:
    file = put_in(world)
    run(world, file)
    told = completed(world, file)
    for name in ("notes", "000001.accepted.json.bak", "000001.gone.json", "x.accepted.json"):
        world.inbox.written[f"{file.results}lines/{name}"] = b"{}"
    assert completed(world, file) == told


def test_a_junk_file_stays_refused_and_is_not_read_again(world: World) -> None:
    file = put_in(world, b"\n".join([b"nonsense"] * (MAX_BAD_LINES + 1)))
    before = dict(world.inbox.written)
    ingest_file(created(file), file_ports(), NOON)
    assert (world.inbox.written, world.inbox.opened) == (before, 1)


@pytest.mark.parametrize(
    "line",
    [b"{}", b'{"model": 1}', b'{"model": "minimax/music-2.5", "prompt": ["x"]}', song("x", colour="red")],
    ids=["empty", "wrong_type", "wrong_field_type", "unknown_field"],
)
def test_a_file_of_objects_that_are_no_requests_is_junk(world: World, line: bytes) -> None:
    file = put_in(world, b"\n".join([song(CANARY), *[line] * (MAX_BAD_LINES + 1)]))
    assert refused(world, file) == "malformed_body"
    assert world.batches.started == {}


def test_what_only_a_model_refuses_is_a_good_line_until_it_is_submitted(world: World) -> None:
    put_in(world, b"\n".join([song("x", model="no/model"), b'{"model": "minimax/music-2.5"}']))
    (given,) = world.batches.started.values()
    assert (given["good"], given["bad"]) == (2, 0)


def test_a_file_with_as_many_bad_lines_as_may_be_is_taken(world: World) -> None:
    file = put_in(world, b"\n".join([*[b"nonsense"] * MAX_BAD_LINES, song("good")]))
    (given,) = world.batches.started.values()
    assert (given["good"], given["bad"], len(lines_of(world, file))) == (1, MAX_BAD_LINES, 1)


def test_each_line_is_one_job_and_one_file_reports_the_end(world: World) -> None:
    file = put_in(world)
    assert run(world, file) == ["accepted", "accepted", "refused"]
    prompts = [world.stored(job_id).request.prompt for job_id in world.machine.started]
    assert prompts == [CANARY, "second"]
    assert world.inbox.document(f"{file.results}lines/000004.accepted.json")["job_id"] == world.machine.started[1]
    refusal = world.inbox.document(f"{file.results}lines/000005.refused.json")
    assert refusal["problem"]["errors"][0]["pointer"] == "/model"
    assert completed(world, file) == {
        "object": "inbox_batch",
        "file": {"key": KEY, "version_id": "v1"},
        "lines": 5,
        "accepted": 2,
        "refused": 1,
        "bad": 2,
        "bad_lines": f"{file.results}bad-lines.jsonl",
        "failed": 0,
        "failed_lines": [],
        "stopped_by": None,
        "completed_at": "2026-11-21T12:00:00.000Z",
    }


def test_a_notification_that_comes_twice_reads_nothing_and_starts_nothing(world: World) -> None:
    file = put_in(world)
    before = dict(world.inbox.written)
    ingest_file(created(file), file_ports(), NOON)
    assert (world.inbox.opened, world.inbox.written, len(world.batches.started)) == (1, before, 1)


def test_a_batch_whose_machine_could_not_be_started_is_started_when_the_notification_comes_again(world: World) -> None:
    file = world.inbox.put_in(KEY, BODY)
    world.batches.failure = TransientError("no machine")
    with pytest.raises(TransientError):
        ingest_file(created(file), file_ports(), NOON)
    world.batches.failure = None
    ingest_file(created(file), file_ports(), NOON)
    assert (list(world.batches.started), world.inbox.opened) == ([f"inbox-{file.run}"], 1)


def test_versions_are_batches_of_their_own_whatever_comes_first(world: World) -> None:
    first, second = world.inbox.put_in(KEY, BODY, "v1"), world.inbox.put_in(KEY, song("other"), "v2")
    for file in (second, first, second):
        ingest_file(created(file), file_ports(), NOON)
    assert list(world.batches.started) == [f"inbox-{second.run}", f"inbox-{first.run}"]
    run(world, second)
    assert world.stored(world.machine.started[0]).request.prompt == "other"


def test_a_line_that_is_submitted_twice_is_one_job(world: World) -> None:
    file = put_in(world)
    run(world, file)
    assert run(world, file, first=100) == ["accepted", "accepted", "refused"]
    assert run(world, file, first=200, now=NOON + 2 * KEPT_FOR) == ["accepted", "accepted", "refused"]
    assert len(world.jobs) == 2


def test_a_line_whose_result_was_not_written_is_one_job(world: World) -> None:
    file = put_in(world)
    world.inbox.failure = TransientError("no bucket")
    with pytest.raises(TransientError):
        run(world, file)
    world.inbox.failure = None
    run(world, file, first=100)
    assert len(world.jobs) == 2
    accepted = world.inbox.document(f"{file.results}lines/000001.accepted.json")
    assert accepted["job_id"] == world.machine.started[0]


def test_equal_lines_are_two_jobs(world: World) -> None:
    file = put_in(world, song("twice") + b"\n" + song("twice"))
    assert run(world, file) == ["accepted", "accepted"]
    assert len(world.jobs) == 2


def test_lines_that_could_not_be_submitted_are_reported_as_failed(world: World) -> None:
    file = put_in(world)
    submit_line(lines_of(world, file)[1], line_ports(), NOON)
    told = completed(world, file, "States.ExceedToleratedFailureThreshold")
    assert (told["accepted"], told["failed"], told["failed_lines"]) == (1, 2, [1, 5])
    assert told["stopped_by"] == "States.ExceedToleratedFailureThreshold"


def test_a_tenant_that_is_out_of_credit_has_its_other_lines_refused(world: World) -> None:
    wallets = InMemoryWalletStore(empty_wallet("acme", NOON))
    wallets.grant(grant_of("acme", 60, "grant", NOON))
    world.jobs = InMemoryJobStore(wallets)
    file = put_in(world, b"\n".join([song("a")] * 3))
    assert run(world, file) == ["accepted", "accepted", "refused"]
    last = world.inbox.document(f"{file.results}lines/000003.refused.json")
    assert last["problem"]["type"] == "urn:fermata:problem:out_of_credit"


def test_a_line_for_which_the_plan_has_no_room_yet_comes_again_and_is_not_refused(world: World) -> None:
    world.wallets.set_plan("acme", Plan.PREPAID, None, PlanLimits(submits_per_minute=1, concurrent_jobs=2))
    file = put_in(world, b"\n".join([song("a")] * 3))
    first, second, third = lines_of(world, file)
    assert submit_line(first, line_ports(), NOON) == "accepted"
    with pytest.raises(RateLimitedError):
        submit_line(second, line_ports(), NOON)
    assert submit_line(second, line_ports(), NOON + timedelta(minutes=1)) == "accepted"
    with pytest.raises(TooManyJobsError):
        submit_line(third, line_ports(), NOON + timedelta(minutes=2))
    assert not list(world.inbox.names(f"{file.results}lines/000003"))


def test_a_line_that_meets_maintenance_comes_again_and_counts_as_no_refusal(world: World) -> None:
    file = put_in(world, song("a"))
    (line,) = lines_of(world, file)
    world.jobs.brakes.pause(NEW_ORDERS, NOON)
    with pytest.raises(DrainingError):
        submit_line(line, line_ports(), NOON)
    assert world.open_batches.refused_in_a_row("acme", file.run).since is None
    world.jobs.brakes.resume(NEW_ORDERS)
    assert submit_line(line, line_ports(), NOON) == "accepted"


def test_the_lines_of_a_running_file_are_refused_once_their_tenant_is_suspended(world: World) -> None:
    file = put_in(world, b"\n".join([song("a")] * 2))
    first, second = lines_of(world, file)
    assert submit_line(first, line_ports(), NOON) == "accepted"
    world.wallets.suspend("acme", NOON)
    assert submit_line(second, line_ports(), NOON) == "refused"
    result = world.inbox.document(f"{file.results}lines/000002.refused.json")
    assert result["problem"]["type"] == "urn:fermata:problem:tenant_suspended"


def test_a_line_that_may_be_lost_waits_until_an_open_one_gives_its_place_back(world: World) -> None:
    world.wallets.set_plan("acme", Plan.PREPAID, None, PlanLimits(lost_songs_per_day=1))
    file = put_in(world, b"\n".join([song("a", finish_by="2026-11-21T13:00:00Z")] * 2))
    first, second = lines_of(world, file)
    assert submit_line(first, line_ports(), NOON) == "accepted"
    with pytest.raises(LossesAtRiskError):
        submit_line(second, line_ports(), NOON)
    cancel_job(world.machine.started[0], "acme", world.jobs, NOON)
    assert submit_line(second, line_ports(), NOON) == "accepted"


def test_lines_that_make_no_job_are_counted_and_come_again_beyond_the_bound(world: World) -> None:
    world.wallets.set_plan("acme", Plan.PREPAID, None, PlanLimits(trigger_calls_per_minute=3, submits_per_minute=1))
    file = put_in(world, b"\n".join([song("a"), song("b"), b'{"model": "minimax/music-2.5"}', song("c")]))
    assert counted(world) == 1
    first, second, wrong, last = lines_of(world, file)
    outcomes = [submit_line(line, line_ports(), NOON) for line in (first, wrong)]
    assert (outcomes, counted(world)) == (["accepted", "refused"], 2)
    with pytest.raises(RateLimitedError, match="orders a minute"):
        submit_line(second, line_ports(), NOON)
    written = len(world.inbox.written)
    with pytest.raises(RateLimitedError, match="allows 3 events, files and lines that make no job a minute"):
        submit_line(last, line_ports(), NOON)
    assert (counted(world), len(world.inbox.written)) == (3, written)
    world.clock.pass_seconds(60)
    assert submit_line(last, line_ports(), world.clock()) == "accepted"


def counted(world: World) -> int:
    """How many calls of triggers were counted in this minute."""
    return world.wallets.calls.minutes["acme"][1]["trigger_calls"]


def test_a_line_that_comes_again_after_its_result_was_written_is_counted(world: World) -> None:
    file = put_in(world)
    before = counted(world)
    line = lines_of(world, file)[0]
    for _ in range(3):
        submit_line(line, line_ports(), NOON)
    left = call_meter(TRIGGER_CALLS).known("acme", NOON)
    assert left is not None
    assert left.remaining == 600 - before - 2


def test_a_batch_stops_taking_effect_when_the_operator_turns_the_inbox_off(world: World) -> None:
    file = put_in(world)
    set_triggers("acme", Change(inbox=False), world.triggers)
    assert run(world, file) == ["refused"] * 3
    assert len(world.jobs) == 0


def test_a_file_of_bad_lines_only_is_completed_without_a_machine(world: World) -> None:
    file = put_in(world, b"nonsense\n[]")
    told = world.inbox.document(f"{file.results}completed.json")
    assert (told["lines"], told["bad"], told["accepted"]) == (2, 2, 0)
    assert world.batches.started == {}


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        (b"", "malformed_body"),
        (b"\n\n \n", "malformed_body"),
        (b"{}\n" * 4, "body_too_large"),
        (b"{}" + b" " * 99, "body_too_large"),
    ],
    ids=["empty", "blank", "too many lines", "too long"],
)
def test_a_file_that_is_refused_as_a_whole_submits_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, body: bytes, slug: str
) -> None:
    monkeypatch.setattr(json_lines, "MAX_LINES", 3)
    monkeypatch.setattr(json_lines, "MAX_FILE_BYTES", 50)
    file = put_in(world, body)
    assert refused(world, file) == slug
    assert list(world.inbox.written) == [f"{file.results}result.json"]


@pytest.mark.usefixtures("world")
def test_a_line_of_a_file_under_no_tenant_is_refused() -> None:
    file = InboxFile(bucket="inbox", key="elsewhere/batch.jsonl", version_id="v", size_bytes=9)
    line = LineOfFile(file=file, line=1, start=0, length=2)
    assert submit_line(line, line_ports(), NOON) == "refused"


def test_a_batch_whose_execution_was_stopped_is_reported_too(world: World) -> None:
    file = put_in(world)
    ((name, given),) = world.batches.started.items()
    detail = {"name": name, "status": "ABORTED", "input": json.dumps(given), "stateMachineArn": "arn:batches"}
    complete = wired_app("complete_batch", world)
    complete.lambda_handler({"source": "aws.states", "detail": detail}, FakeContext())
    told = world.inbox.document(f"{file.results}completed.json")
    assert (told["failed_lines"], told["stopped_by"]) == ([1, 4, 5], "Execution.ABORTED")


def test_the_functions_of_the_machine_answer_with_small_facts(world: World) -> None:
    file = put_in(world)
    (given,) = world.batches.started.values()
    submit, complete = (wired_app(name, world) for name in ("submit_line", "complete_batch"))
    line = lines_of(world, file)[0].model_dump(mode="json")
    assert submit.lambda_handler(line, FakeContext()) == {"outcome": "accepted"}
    failure = {"Error": "States.Timeout", "Cause": CANARY}
    assert complete.lambda_handler({**given, "failure": failure}, FakeContext()) == {
        "lines": 5,
        "accepted": 1,
        "refused": 0,
        "bad": 2,
        "failed": 2,
        "stopped_by": "States.Timeout",
    }


# ---- few files at once


def versions_of(world: World, count: int) -> list[InboxFile]:
    return [put_in(world, song("x"), f"v{number}") for number in range(count)]


def test_a_tenant_has_a_few_files_at_once_and_learns_what_to_do_with_the_next(world: World) -> None:
    *taken, beyond = versions_of(world, MOST_OPEN_BATCHES + 1)
    assert list(world.batches.started) == [f"inbox-{file.run}" for file in taken]
    problem = world.inbox.document(f"{beyond.results}result.json")["problem"]
    assert (problem["type"], problem["retryable"]) == ("urn:fermata:problem:too_many_batches", True)
    assert "put the file in again" in problem["detail"]
    assert world.inbox.opened == MOST_OPEN_BATCHES


def test_a_file_that_has_ended_makes_room_for_the_next_one(world: World) -> None:
    first, *_ = versions_of(world, MOST_OPEN_BATCHES)
    given = world.batches.started[f"inbox-{first.run}"]
    complete_batch(Batch.model_validate(given), None, world.inbox, world.open_batches, NOON)
    ingest_file(created(first), file_ports(), NOON)
    put_in(world, song("x"), "later")
    assert len(world.batches.started) == MOST_OPEN_BATCHES + 1


@pytest.mark.parametrize("body", [b"", b"nonsense", b"\n".join([b"nonsense"] * (MAX_BAD_LINES + 1))])
def test_a_file_of_which_nothing_is_submitted_keeps_no_room(world: World, body: bytes) -> None:
    put_in(world, body)
    assert world.open_batches.places == {}


def test_a_notification_that_comes_twice_takes_one_place(world: World) -> None:
    file = put_in(world)
    for _ in range(MOST_OPEN_BATCHES):
        ingest_file(created(file), file_ports(), NOON)
    assert len(world.open_batches.places) == 1


def test_a_file_that_could_not_be_read_makes_room_after_a_while(world: World) -> None:
    for number in range(MOST_OPEN_BATCHES):
        world.batches.failure = TransientError("no machine")
        with pytest.raises(TransientError):
            put_in(world, song("x"), f"v{number}")
    world.batches.failure = None
    late = world.inbox.put_in(KEY, song("x"), "late")
    ingest_file(created(late), file_ports(), NOON + READ_WITHIN)
    assert list(world.batches.started) == [f"inbox-{late.run}"]


# ---- refusals in a row


def lines_of_wrong_models(world: World, count: int) -> list[LineOfFile]:
    return lines_of(world, put_in(world, b"\n".join([song("x", model="no/model")] * count)))


def test_a_run_of_nothing_but_refusals_ends_and_submits_no_other_line(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "MOST_REFUSALS", 3)
    *lines, last = lines_of_wrong_models(world, 4)
    assert [submit_line(line, line_ports(), NOON) for line in lines] == ["refused"] * 3
    written = len(world.inbox.written)
    with pytest.raises(BatchGivenUpError):
        submit_line(last, line_ports(), NOON)
    assert len(world.inbox.written) == written


def test_a_line_that_becomes_a_job_resets_the_count_of_refusals(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MOST_REFUSALS", 2)
    wrong = song("x", model="no/model")
    file = put_in(world, b"\n".join([wrong, song("a"), wrong, song("b"), wrong, wrong]))
    assert run(world, file) == ["refused", "accepted", "refused", "accepted", "refused", "refused"]


def waiting(world: World, times: int, calls_per_minute: int = 600) -> LineOfFile:
    """A line for which the plan has had no room so often since noon."""
    limits = PlanLimits(concurrent_jobs=1, trigger_calls_per_minute=calls_per_minute)
    world.wallets.set_plan("acme", Plan.PREPAID, None, limits)
    first, second = lines_of(world, put_in(world, song("a") + b"\n" + song("b")))
    submit_line(first, line_ports(), NOON)
    ports = line_ports()
    for _ in range(times):
        with pytest.raises((TooManyJobsError, RateLimitedError)):
            submit_line(second, ports, NOON)
    return second


@pytest.mark.parametrize("calls_per_minute", [600, 2], ids=["too_many_jobs", "too_many_calls"])
def test_a_run_for_which_the_plan_has_no_room_for_hours_ends(
    world: World, monkeypatch: pytest.MonkeyPatch, calls_per_minute: int
) -> None:
    monkeypatch.setattr(refusals, "MOST_REFUSALS", 3)
    line = waiting(world, 3, calls_per_minute)
    world.clock.pass_seconds(LONGEST_WAIT.total_seconds())
    with pytest.raises(TooManyJobsError):
        submit_line(line, line_ports(), NOON + LONGEST_WAIT - timedelta(seconds=1))
    with pytest.raises(BatchGivenUpError):
        submit_line(line, line_ports(), NOON + LONGEST_WAIT)


def test_a_few_waits_end_no_run_however_long_they_take(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MOST_REFUSALS", 3)
    line = waiting(world, 1)
    with pytest.raises(TooManyJobsError):
        submit_line(line, line_ports(), NOON + 2 * LONGEST_WAIT)


def test_the_machine_does_not_repeat_a_line_of_a_run_that_was_given_up() -> None:
    machine = json.loads((ROOT / "statemachine" / "batch.asl.json").read_text())
    line = machine["States"]["SubmitLines"]["ItemProcessor"]["States"]["SubmitLine"]
    assert line["Retry"][0] == {"ErrorEquals": ["BatchGivenUpError"], "MaxAttempts": 0}
    assert line["Catch"][0]["Next"] == "LineFailed"
