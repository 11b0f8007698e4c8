"""What AWS refuses is one error of Fermata's with AWS's own code in it, whichever adapter called; and none maps it by
hand.
"""

import ast
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import pytest
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from fermata.adapters.aws_errors import Refusal, aws_errors
from fermata.adapters.dynamodb.jobs.due_jobs import DynamoDueJobs
from fermata.adapters.dynamodb.jobs.job_store import DynamoJobStore
from fermata.adapters.dynamodb.jobs.live_streams import DynamoLiveStreams
from fermata.adapters.dynamodb.jobs.recoverable_jobs import DynamoRecoverableJobs
from fermata.adapters.dynamodb.jobs.rescue_slots import DynamoRescueSlots
from fermata.adapters.dynamodb.jobs.tenant_jobs import DynamoTenantJobs
from fermata.adapters.dynamodb.money.ledger_store import DynamoLedgerStore
from fermata.adapters.dynamodb.money.purchases import DynamoPurchases
from fermata.adapters.dynamodb.money.usage_store import DynamoUsageStore
from fermata.adapters.dynamodb.providers.callback_store import DynamoCallbackStore
from fermata.adapters.dynamodb.providers.estimates import DynamoEstimates
from fermata.adapters.dynamodb.providers.provider_states import DynamoProviderStates
from fermata.adapters.dynamodb.providers.settings_store import DynamoSettingsStore
from fermata.adapters.dynamodb.providers.voice_store import DynamoVoiceStore
from fermata.adapters.dynamodb.restored_table import DynamoRestoredTable
from fermata.adapters.dynamodb.slots import DynamoSlots
from fermata.adapters.dynamodb.tenants.call_counts import DynamoCallCounts
from fermata.adapters.dynamodb.tenants.reference_ids import DynamoReferenceIds
from fermata.adapters.dynamodb.tenants.tenant_store import DynamoTenantStore
from fermata.adapters.dynamodb.tenants.waiting_places import DynamoWaitingPlaces
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.adapters.dynamodb.triggers.open_batches import DynamoOpenBatches
from fermata.adapters.dynamodb.webhooks.webhook_deliveries import DynamoWebhookDeliveries
from fermata.adapters.events import EventBridgeJobEvents
from fermata.adapters.s3.answer_store import S3AnswerStore
from fermata.adapters.s3.folders import abort_uploads_below
from fermata.adapters.s3.inbox_store import S3InboxStore
from fermata.adapters.s3.live_pieces import S3LivePieces
from fermata.adapters.s3.original_store import S3OriginalStore
from fermata.adapters.s3.reference_store import S3ReferenceStore
from fermata.adapters.s3.sound_files import S3SoundFiles
from fermata.adapters.s3.track_store import S3TrackStore
from fermata.adapters.secrets import SecretBytes, SecretProviderKeys, SecretSigningKey
from fermata.adapters.ssm import SsmApiUrl
from fermata.adapters.step_functions.job_machine import StepFunctionsJobMachine
from fermata.adapters.step_functions.waits import StepFunctionsWaits
from fermata.domain.catalogue.models import Estimate
from fermata.domain.catalogue.operator_settings import OperatorSettings
from fermata.domain.jobs.latency import SongTime, SongTimes
from fermata.domain.lists.job_list import JobList
from fermata.domain.lists.page import PageRequest
from fermata.domain.live.stream import LiveStream
from fermata.domain.money.reports.day_pages import DayList, DayPage
from fermata.domain.money.reports.ledger import DayBalance
from fermata.domain.providers.queue import Lease, Limits, Reservation
from fermata.domain.providers.settings import ProviderChanges
from fermata.domain.providers.state import GivenBack, ProviderState, Slots
from fermata.domain.tenants.plan_limits import READS
from fermata.domain.triggers.inbox import InboxFile
from fermata.domain.web.problem import problem_of
from fermata.errors import FermataError, NotFoundError, TransientError
from fermata.log import logger
from fermata.ports.providers import StreamedAnswer
from tests.fakes.clock import NOON
from tests.references import known_as
from tests.songs import JOB_ID, callback, json_answer, staged_song, stored_track

LAYER: Final = Path(__file__).parents[3] / "layers" / "fermata" / "fermata"
ADAPTERS: Final = sorted((LAYER / "adapters").rglob("*.py"))
OWNER: Final = LAYER / "adapters" / "aws_errors.py"
CLIENT: Final = {LAYER / "adapters" / "dynamodb" / "client.py", *(LAYER / "adapters" / "wire").glob("*.py")}
"""A client of AWS itself, which raises what botocore's raise."""
OWNERS: Final = {OWNER, *CLIENT}
BY_HAND: Final = {"ClientError", "BotoCoreError", "Exception", "BaseException"}
FILE: Final = InboxFile(bucket="inbox", key="requests/acme/a.json", version_id="1", size_bytes=1)
SETTINGS: Final = OperatorSettings(providers={"minimax": ProviderChanges(rpm=1)})
PAGE: Final = DayPage(DayList("acme", NOON.date(), NOON.date()))
LIVE: Final = LiveStream.new("hash", JOB_ID, 1, NOON).with_piece(3997)


class Refusing:
    """A client of any service whose every call fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def get_paginator(self, _: str) -> "Refusing":
        return self

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return self._fail

    def _fail(self, *_: object, **__: object) -> Any:  # noqa: ANN401 - nothing, ever
        raise self.error


class Breaking(Refusing):
    """A client of S3 whose objects break off while they are read, or listed in pages."""

    def get_object(self, **_: object) -> dict[str, Any]:
        return {"Body": self, "Metadata": {"http-status": "200"}, "ContentType": "audio/mpeg"}

    def query(self, **_: object) -> dict[str, Any]:
        return {"Items": [{"pk": {"S": "DELIVERY#1"}, "sk": {"S": "REPLAYS"}}]}


def tables(client: Any) -> DynamoTransactions:  # noqa: ANN401 - a stand-in
    return DynamoTransactions(client, "jobs")


def states(client: Any) -> DynamoProviderStates:  # noqa: ANN401 - a stand-in
    return DynamoProviderStates(client, "jobs")


def recording(tmp: Path) -> Path:
    path = tmp / "file"
    path.write_bytes(b"ID3")
    return path


Call = Callable[[Any, Path], object]
LEASE: Final = Lease(0, 1000)
LIMITS: Final = Limits(gap_ms=0, concurrent=1)
OPEN: Final = ProviderState(provider="minimax", slots=Slots(free=(0,)))
CALLS: Final[dict[str, Call]] = {
    "callback": lambda aws, _: DynamoCallbackStore(aws, "jobs").load("0" * 64),
    "settings": lambda aws, _: DynamoSettingsStore(aws, "jobs").load(SETTINGS.version),
    "new settings": lambda aws, _: DynamoSettingsStore(aws, "jobs").keep(SETTINGS),
    "settings to forget": lambda aws, _: DynamoSettingsStore(aws, "jobs").forget(SETTINGS.version),
    "new callback": lambda aws, _: DynamoCallbackStore(aws, "jobs").create(callback()[1]),
    "live song": lambda aws, _: DynamoLiveStreams(aws, "jobs").load("0" * 64),
    "new live song": lambda aws, _: DynamoLiveStreams(aws, "jobs").save(LIVE),
    "live songs to forget": lambda aws, _: DynamoLiveStreams(aws, "jobs").forget(JOB_ID),
    "original": lambda aws, _: S3OriginalStore(aws, "audio").restore(stored_track()),
    "original's link": lambda aws, _: S3OriginalStore(aws, "audio").link(stored_track(), "attachment", 1),
    "originals to forget": lambda aws, _: S3OriginalStore(aws, "audio").forget(JOB_ID),
    "live piece": lambda aws, _: S3LivePieces(aws, "audio").put(JOB_ID, 1, 1, b""),
    "live piece's link": lambda aws, _: S3LivePieces(aws, "audio").link(JOB_ID, 1, 1, 1),
    "signing key": lambda aws, _: SecretSigningKey(lambda: aws, "arn").read(),
    "live secret": lambda aws, _: SecretBytes(lambda: aws, "arn").read(),
    "due jobs": lambda aws, _: list(DynamoDueJobs(tables(aws)).find(NOON)),
    "estimates": lambda aws, _: DynamoEstimates(aws, "jobs")._items(["m"]),  # noqa: SLF001 - else it is logged
    "several estimates": lambda aws, _: DynamoEstimates(aws, "jobs")._items(["m", "n"]),  # noqa: SLF001 - as above
    "new estimates": lambda aws, _: DynamoEstimates(aws, "jobs")._replace({}, "m", SongTimes(models={"m": ()}), 0),
    "job": lambda aws, _: DynamoJobStore(tables(aws)).load(JOB_ID),
    "loudness": lambda aws, _: DynamoJobStore(tables(aws)).add_sounds(JOB_ID, ()),
    "status": lambda aws, _: DynamoJobStore(tables(aws)).status(JOB_ID),
    "provider": lambda aws, _: states(aws).load("minimax"),
    "providers": lambda aws, _: states(aws).load_all(["minimax"]),
    "new provider": lambda aws, _: states(aws).save(ProviderState(provider="minimax", version=1)),
    "slot": lambda aws, _: states(aws).take(OPEN, "ticket", LEASE, LIMITS),
    "next start": lambda aws, _: states(aws)._start(OPEN, 0, LIMITS),  # noqa: SLF001 - after a slot was taken
    "slots": lambda aws, _: list(states(aws)._lane("minimax", 0)),  # noqa: SLF001 - after the circuit was read
    "queue": lambda aws, _: states(aws).look("minimax", "ticket", LIMITS, 0),
    "place or slot": lambda aws, _: states(aws).holds("minimax", "ticket"),
    "place": lambda aws, _: states(aws).wait("minimax", "ticket", Reservation(0, 0)),
    "no place": lambda aws, _: states(aws).turn_away("minimax", 0),
    "place back": lambda aws, _: states(aws).leave("minimax", "ticket"),
    "slot back": lambda aws, _: states(aws).give_back("minimax", GivenBack("ticket", None)),
    "slot freed": lambda aws, _: states(aws)._free("minimax", "ticket", 0, None),  # noqa: SLF001 - after it was found
    "purchases": lambda aws, _: DynamoPurchases(tables(aws)).with_unknown_outcome("minimax"),
    "recoverable": lambda aws, _: DynamoRecoverableJobs(tables(aws)).find("minimax", 1, None),
    "rescue": lambda aws, _: DynamoRescueSlots(aws, "jobs", 1).take("holder", NOON, NOON),
    "rescue over": lambda aws, _: DynamoRescueSlots(aws, "jobs", 1).give_back(0, "holder"),
    "reads": lambda aws, _: DynamoCallCounts(aws, "jobs").add("acme", READS, "12:00", 1),
    "uploads": lambda aws, _: DynamoCallCounts(aws, "jobs").add_reference("acme", NOON.date()),
    "batch": lambda aws, _: DynamoOpenBatches(tables(aws)).take("acme", "run", NOON, NOON),
    "batch's place": lambda aws, _: DynamoSlots(aws, "jobs", lambda _: ("p", "0")).take_or_keep(
        (0,), "run", NOON, NOON
    ),
    "batch over": lambda aws, _: DynamoOpenBatches(tables(aws)).give_back("acme", "run"),
    "refusal": lambda aws, _: DynamoOpenBatches(tables(aws)).note_refusal("acme", "run", NOON, comes_again=True),
    "no refusal": lambda aws, _: DynamoOpenBatches(tables(aws)).note_job("acme", "run"),
    "waiting": lambda aws, _: DynamoWaitingPlaces(tables(aws)).take((1,), "holder", NOON, NOON),
    "waiting over": lambda aws, _: DynamoWaitingPlaces(tables(aws)).give_back(1, "holder"),
    "tenant's jobs": lambda aws, _: DynamoTenantJobs(tables(aws)).find(PageRequest(JobList("acme", None))),
    "key": lambda aws, _: DynamoTenantStore(tables(aws), lambda: aws).note_use("key", NOON),
    "usage": lambda aws, _: DynamoUsageStore(tables(aws)).find(PAGE),
    "usage log": lambda aws, _: DynamoUsageStore(tables(aws)).log(PAGE),
    "balance": lambda aws, _: DynamoLedgerStore(tables(aws)).balance("acme", NOON.date()),
    "new balance": lambda aws, _: DynamoLedgerStore(tables(aws)).keep_balance("acme", DayBalance(NOON.date(), 1)),
    "reference id": lambda aws, _: DynamoReferenceIds(tables(aws)).key_alias("acme", "aimlapi", "voice_id", "v"),
    "new reference ids": lambda aws, _: DynamoReferenceIds(tables(aws)).remember("acme", known_as()),
    "voices": lambda aws, _: DynamoVoiceStore(aws, "jobs").load("minimax"),
    "turn to ask for voices": lambda aws, _: DynamoVoiceStore(aws, "jobs").take_turn("minimax", NOON, NOON),
    "new voices": lambda aws, _: DynamoVoiceStore(aws, "jobs").save("minimax", (), NOON),
    "item": lambda aws, _: tables(aws).get("A", "B"),
    "items": lambda aws, _: tables(aws).get_all([("A", "B")]),
    "partition": lambda aws, _: list(tables(aws).query("A", "B")),
    "transaction": lambda aws, _: tables(aws).write({"a": tables(aws).put("A", "B", {})}, float("inf")),
    "deliveries": lambda aws, _: DynamoWebhookDeliveries(tables(aws)).of(JOB_ID),
    "replay": lambda aws, _: DynamoWebhookDeliveries(tables(aws)).next_replay(JOB_ID, 1, NOON),
    "event": lambda aws, _: EventBridgeJobEvents(aws, "fermata").publish(),
    "new answer": lambda aws, _: S3AnswerStore(aws, "audio").keep(JOB_ID, 1, json_answer({})),
    "answer": lambda aws, _: S3AnswerStore(aws, "audio").open(JOB_ID, 1),
    "new song": lambda aws, tmp: S3AnswerStore(aws, "audio").keep_song(
        JOB_ID, 1, json_answer({}), staged_song(), recording(tmp)
    ),
    "staged song": lambda aws, _: S3AnswerStore(aws, "audio").song(JOB_ID, 1),
    "song from staging": lambda aws, _: S3TrackStore(aws, "audio").take("key", JOB_ID, 1, "audio/mpeg"),
    "no answer": lambda aws, _: S3AnswerStore(aws, "audio").forget(JOB_ID),
    "cut uploads": lambda aws, _: abort_uploads_below(aws, "audio", "staging/"),
    "file": lambda aws, _: list(S3InboxStore(aws, "inbox").open(FILE)),
    "span": lambda aws, _: S3InboxStore(aws, "inbox").read(FILE, 0, 1),
    "when a file was put in": lambda aws, _: S3InboxStore(aws, "inbox").put_at(FILE),
    "result": lambda aws, _: S3InboxStore(aws, "inbox").find("results/acme/1"),
    "new result": lambda aws, _: S3InboxStore(aws, "inbox").put("results/acme/1", {}),
    "results": lambda aws, _: list(S3InboxStore(aws, "inbox").names("results/")),
    "upload": lambda aws, _: S3ReferenceStore(aws, "audio").upload_form("key", "audio/mpeg", 1, 1),
    "size": lambda aws, _: S3ReferenceStore(aws, "audio").size("key"),
    "reference": lambda aws, _: S3ReferenceStore(aws, "audio").open("key"),
    "new reference": lambda aws, tmp: S3ReferenceStore(aws, "audio").put("key", recording(tmp), "audio/mpeg"),
    "no reference": lambda aws, _: S3ReferenceStore(aws, "audio").forget("key"),
    "reference's link": lambda aws, _: S3ReferenceStore(aws, "audio").link("key", 1),
    "song": lambda aws, tmp: S3TrackStore(aws, "audio").put("key", recording(tmp), "audio/mpeg", "ab" * 32),
    "song to measure": lambda aws, _: S3SoundFiles(aws, "audio").fetch("key", io.BytesIO()),
    "waveform": lambda aws, _: S3SoundFiles(aws, "audio").put_peaks("key", b""),
    "no waveforms": lambda aws, _: S3SoundFiles(aws, "audio").forget_peaks(JOB_ID),
    "link beside": lambda aws, _: S3TrackStore(aws, "audio").link_beside("key", "attachment", 1),
    "song's link": lambda aws, _: S3TrackStore(aws, "audio").link(stored_track(), "attachment", 1),
    "stored songs": lambda aws, _: S3TrackStore(aws, "audio").stored(JOB_ID),
    "song to staging": lambda aws, _: S3TrackStore(aws, "audio").stage("key", JOB_ID, 1, 1),
    "restored table": lambda aws, _: DynamoRestoredTable(tables(aws)).facts(),
    "preparation": lambda aws, _: DynamoRestoredTable(tables(aws)).preparation(),
    "keys": lambda aws, _: SecretProviderKeys(aws, "arn:canary", 1).current("minimax"),
    "address": lambda aws, _: SsmApiUrl(aws, "/fermata/url").read(),
    "start": lambda aws, _: StepFunctionsJobMachine(aws, "arn:stateMachine:canary").start(JOB_ID),
    "execution": lambda aws, _: StepFunctionsJobMachine(aws, "arn:stateMachine:canary").execution(JOB_ID),
    "wait": lambda aws, _: StepFunctionsWaits(aws).end("canary"),
}
MIDWAY: Final[dict[str, Call]] = {
    "answer": lambda aws, _: list(opened(aws).chunks()),
    "reference": lambda aws, _: list(S3ReferenceStore(aws, "audio").open("key") or ()),
    "file": lambda aws, _: list(S3InboxStore(aws, "inbox").open(FILE)),
    "deliveries": lambda aws, _: DynamoWebhookDeliveries(tables(aws)).forget(JOB_ID),
}


def opened(aws: Any) -> StreamedAnswer:  # noqa: ANN401 - a stand-in
    answer = S3AnswerStore(aws, "audio").open(JOB_ID, 1)
    assert answer is not None
    return answer


def refusal(code: str = "ThrottlingException", **more: Any) -> ClientError:  # noqa: ANN401 - as AWS answers
    answer: Any = {"Error": {"Code": code, "Message": "arn:aws:canary"}, **more}
    return ClientError(answer, "Operation")


def unreachable() -> BotoCoreError:
    return EndpointConnectionError(endpoint_url="https://canary.test/?signature=canary")


def caught(call: Call, client: Refusing, tmp: Path) -> TransientError:
    with pytest.raises(TransientError) as raised:
        call(client, tmp)
    return raised.value


@pytest.mark.parametrize("name", CALLS)
def test_a_refusal_is_transient_and_names_awss_own_code_and_no_more(name: str, tmp_path: Path) -> None:
    error = caught(CALLS[name], Refusing(refusal()), tmp_path)
    assert str(error) == f"{error.public_message}: ThrottlingException"
    assert "canary" not in str(error)


@pytest.mark.parametrize("name", CALLS)
def test_a_failure_on_the_way_to_aws_names_its_kind_and_no_more(name: str, tmp_path: Path) -> None:
    error = caught(CALLS[name], Refusing(unreachable()), tmp_path)
    assert str(error) == f"{error.public_message}: EndpointConnectionError"
    assert "canary" not in str(error)


@pytest.mark.parametrize("name", MIDWAY)
@pytest.mark.parametrize("failure", [refusal, unreachable])
def test_what_breaks_off_midway_names_its_kind_too(
    name: str, failure: Callable[[], ClientError | BotoCoreError], tmp_path: Path
) -> None:
    error = caught(MIDWAY[name], Breaking(failure()), tmp_path)
    assert (error.aws_code or "") in {"ThrottlingException", "EndpointConnectionError"}
    assert "canary" not in str(error)


def test_a_cancelled_transaction_names_the_codes_of_its_parts() -> None:
    reasons = [{"Code": "None"}, {"Code": "ThrottlingError"}, {}, {"Code": "ThrottlingError"}]
    with pytest.raises(TransientError, match=r"^it failed: TransactionCanceledException \(ThrottlingError\)$"):
        raise_in_block(refusal("TransactionCanceledException", CancellationReasons=reasons))


@pytest.mark.parametrize("response", [{}, {"Error": {}}, {"Error": {"Code": ""}}])
def test_a_refusal_without_a_code_is_unknown(response: Any) -> None:  # noqa: ANN401 - as AWS answers
    with pytest.raises(TransientError, match=r"^it failed: unknown$"):
        raise_in_block(ClientError(response, "Operation"))


def test_a_code_that_means_something_becomes_what_it_means() -> None:
    gone: dict[str, FermataError] = {"NoSuchVersion": NotFoundError("gone")}
    with pytest.raises(NotFoundError) as raised:
        raise_in_block(refusal("NoSuchVersion"), means=gone)
    assert isinstance(raised.value.__cause__, ClientError)
    with pytest.raises(TransientError):
        raise_in_block(refusal("SlowDown"), means=gone)


def test_a_code_that_is_an_answer_ends_the_block_and_passes_on_what_came_with_it() -> None:
    item = {"pk": {"S": "A"}}
    told = raise_in_block(refusal("ConditionalCheckFailedException", Item=item), "ConditionalCheckFailedException")
    assert (told.item, told.reasons) == (item, ())


def test_a_code_that_is_an_answer_means_nothing_else() -> None:
    gone: dict[str, FermataError] = {"NoSuchKey": NotFoundError("gone")}
    told = raise_in_block(refusal("NoSuchKey"), "NoSuchKey", means=gone)
    assert (told.item, told.reasons) == ({}, ())


def test_a_cancelled_transaction_answers_by_the_codes_of_its_parts() -> None:
    reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": {}}, {"Code": "TransactionConflict"}]
    cancelled = refusal("TransactionCanceledException", CancellationReasons=reasons)
    assert raise_in_block(cancelled, "TransactionConflict").reasons == reasons
    with pytest.raises(TransientError, match=r"\(ConditionalCheckFailed, TransactionConflict\)$"):
        raise_in_block(cancelled, "ThrottlingError")


def test_a_failure_on_the_way_is_never_an_answer() -> None:
    with pytest.raises(TransientError):
        raise_in_block(unreachable(), "EndpointConnectionError")


def test_a_block_in_which_nothing_is_refused_reports_nothing() -> None:
    with aws_errors("it failed", "NoSuchKey") as told:
        pass
    assert (told.item, told.reasons) == ({}, ())


def test_other_errors_pass_as_they_are() -> None:
    with pytest.raises(ValueError, match="ours"):
        raise_in_block(ValueError("ours"))


def raise_in_block(error: Exception, *answers: str, means: Mapping[str, FermataError] | None = None) -> Refusal:
    with aws_errors("it failed", *answers, means=means or {}) as told:
        raise error
    return told


def test_a_caller_of_the_api_sees_no_error_of_aws() -> None:
    problem = problem_of(TransientError("the job table could not be read", "AccessDeniedException"))
    assert (problem.status, problem.detail) == (503, "the job table could not be read")


def test_estimates_that_cannot_be_read_are_logged_with_awss_own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[object] = []
    monkeypatch.setattr(logger, "warning", lambda _, extra: lines.append(extra["error"]))
    client: Any = Refusing(refusal())
    estimates = DynamoEstimates(client, "jobs")
    estimates.of("minimax/music-2.6", Estimate(p50_s=1, p80_s=2))
    estimates.learn("minimax/music-2.6", SongTime(JOB_ID, 60))
    assert lines == ["the estimates could not be read: ThrottlingException"] * 2


# ---- the code itself


def test_every_block_that_maps_errors_of_aws_was_seen_to_do_it(tmp_path: Path) -> None:
    reached: set[tuple[str, int]] = set()
    for calls, client in ((CALLS, Refusing(refusal())), (MIDWAY, Breaking(refusal()))):
        for call in calls.values():
            reached |= set(_blocks_in(caught(call, client, tmp_path).__traceback__))
    written = {(module.name, block.lineno) for module in ADAPTERS for block in _blocks(module)}
    assert len(written) > 40
    assert written - reached == set()


@pytest.mark.parametrize("module", [path for path in ADAPTERS if path not in OWNERS], ids=lambda path: path.name)
def test_no_adapter_maps_errors_of_aws_by_hand(module: Path) -> None:
    tree = ast.parse(module.read_text("utf-8"))
    imported = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported += [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    assert not [name for name in imported if (name or "").startswith(("botocore.exceptions", "boto3.exceptions"))]
    handlers = [node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)]
    assert not [node.lineno for node in handlers if _named_in(node) & BY_HAND]


@pytest.mark.parametrize("module", ADAPTERS, ids=lambda path: path.name)
def test_a_refusal_that_is_an_answer_is_named_by_its_code_and_caught_nowhere_else(module: Path) -> None:
    tree = ast.parse(module.read_text("utf-8"))
    by_name = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "exceptions"]
    assert not [node.lineno for node in by_name]


def _blocks(module: Path) -> Iterator[ast.With]:
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.With) and any("aws_errors(" in ast.unparse(item) for item in node.items):
            yield node


def _blocks_in(traceback: TracebackType | None) -> Iterator[tuple[str, int]]:
    """The blocks through which an error came, by file and line."""
    while traceback is not None:
        module, line = Path(traceback.tb_frame.f_code.co_filename), traceback.tb_lineno
        if module in ADAPTERS:
            yield from ((module.name, b.lineno) for b in _blocks(module) if b.lineno <= line <= (b.end_lineno or 0))
        traceback = traceback.tb_next


def _named_in(handler: ast.ExceptHandler) -> set[str]:
    if handler.type is None:
        return {"BaseException"}
    names = (node for node in ast.walk(handler.type) if isinstance(node, ast.Name | ast.Attribute))
    return {node.id if isinstance(node, ast.Name) else node.attr for node in names}
