"""However long a provider keeps a job waiting after the purchase, it costs a bounded number of polls, of fetches and of
events in the execution's history, and the job ends within hours.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fermata.domain.jobs.status import JobStatus
from fermata.domain.providers.calls import UpstreamCall
from fermata.domain.providers.patience import MOST_FETCHES, MOST_POLLS
from fermata.errors import LinkTroubleError
from tests.fakes.clock import NOON
from tests.fakes.money.ledger import ledger_in_memory
from tests.fakes.providers.upstream import ScriptedAnswer
from tests.scenario.asl_interpreter import Played
from tests.scenario.orders import CHAINS
from tests.scenario.providers import AUDIO
from tests.scenario.scenario import LONGEST_RUN_S, Scenario
from tests.scenario.world import ScenarioWorld
from tests.songs import json_answer

GENERATION_TIMEOUT: Final = timedelta(seconds=3600)
PATIENCE: Final = timedelta(seconds=3600)
LONGEST_FETCH: Final = timedelta(seconds=LONGEST_RUN_S)
SUNO: Final = {"model": "apiinone/suno"}
AIMLAPI: Final = {"model": "aimlapi/minimax/music-2.0"}

MOST_EVENTS: Final = 2000
MOST_PLAIN_POLLS: Final = 130
"""Polls of a task that says "not yet" for the whole generation time, with a little room."""

Says = Callable[[datetime, int], str]
"""What a provider answers at an instant, after so many earlier polls."""


@dataclass
class Host:
    """A provider that takes every order, and its links; `polled` and `fetched` count its calls."""

    clock: Callable[[], datetime]
    poll: Says
    link: Says
    dribbled: Callable[[], object]
    polled: int = 0
    fetched: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def send(self, provider: str, call: UpstreamCall, _key: str, _within_s: float) -> Iterator[ScriptedAnswer]:
        if call.method == "POST":
            yield _TAKEN[provider]
            return
        self.polled += 1
        yield _POLLED[provider](self.poll(self.clock(), self.polled - 1))

    def fetch(self, _provider: str, url: str) -> Iterator[bytes]:
        self.fetched[url] += 1
        outcome = self.link(self.clock(), self.fetched.total() - 1)
        if outcome == "there":
            yield AUDIO + url.encode()
            return
        if outcome == "dribbles":
            yield AUDIO[:1]
            self.dribbled()
            raise LinkTroubleError("the link took too long", None)
        wishes_s = {"asks": 37}.get(outcome)
        raise LinkTroubleError("the link brought nothing", {"dead": 403, "busy": 503, "asks": 429}[outcome], wishes_s)


_TAKEN: Final = {
    "apiinone": json_answer({"code": 200, "data": {"task_id": "task", "status": "first"}}),
    "aimlapi": json_answer({"id": "task", "status": "queued"}, 201),
}


def _suno_polled(outcome: str) -> ScriptedAnswer:
    if outcome == "refused":
        return json_answer({"code": 500, "message": "not now"}, 500)
    links = [f"https://cdn.test/{name}.mp3" for name in {"done": "ab", "one": "a"}.get(outcome, "")]
    word = "FIRST" if outcome == "running" else "SUCCESS"
    return json_answer({"code": 200, "data": {"type": word, "response_data": [{"audio_url": link} for link in links]}})


def _aimlapi_polled(outcome: str) -> ScriptedAnswer:
    if outcome == "refused":
        return json_answer({"message": "not now", "statusCode": 401}, 401)
    file = {"url": "https://cdn.test/a.mp3"} if outcome in ("done", "one") else None
    return json_answer({"status": "generating" if outcome == "running" else "completed", "audio_file": file})


_POLLED: Final = {"apiinone": _suno_polled, "aimlapi": _aimlapi_polled}


@dataclass(frozen=True)
class Ended:
    """One execution that has ended, what it requested, and the job's end."""

    execution: Played
    host: Host
    status: JobStatus
    after: timedelta

    def assert_bounded(self) -> None:
        assert self.execution.events < MOST_EVENTS
        assert self.host.polled <= MOST_PLAIN_POLLS + MOST_POLLS
        assert all(count <= MOST_FETCHES for count in self.host.fetched.values())
        assert self.after <= GENERATION_TIMEOUT + PATIENCE + LONGEST_FETCH + timedelta(minutes=10)


def played(model: Mapping[str, object], poll: Says, link: Says, scratch: Path) -> Ended:
    """Play one order on the shipped machine to its end."""
    (ended,) = all_played(1, model, poll, link, scratch)
    return ended


def all_played(orders: int, model: Mapping[str, object], poll: Says, link: Says, scratch: Path) -> list[Ended]:
    """Play so many orders of one moment on the shipped machine to their ends; all ask the same host."""
    ledger = ledger_in_memory()
    with ScenarioWorld(jobs=cast("Any", ledger.jobs), wallet_store=ledger.wallets) as world:
        scenario = Scenario(world, ledger, scratch)
        host = Host(world.clock, poll, link, dribbled=lambda: world.clock.pass_seconds(LONGEST_FETCH.total_seconds()))
        world.upstream, world.links = cast("Any", host), cast("Any", host)
        for _ in range(orders):
            scenario.submit("acme", CHAINS.index(dict(model)), 0, keyed=False, hurried=False)
        while scenario.machine.running():
            scenario.advance_job(0)
    found = []
    for placed in scenario.placed:
        job = ledger.jobs.load(placed.job_id)
        assert job is not None
        assert job.finished_at is not None
        found.append(Ended(scenario.machine.executions[job.id], host, job.status, job.finished_at - NOON))
    return found


def until_the_end_of_the_generation_time(then: Says) -> Says:
    """Not yet, for as long as that is believed; trouble begins just before."""
    last_moment = NOON + GENERATION_TIMEOUT - timedelta(seconds=40)
    return lambda now, asked: "running" if now < last_moment else then(now, asked)


def always(outcome: str) -> Says:
    return lambda _now, _asked: outcome


def in_turn(*outcomes: str) -> Says:
    return lambda _now, asked: outcomes[asked % len(outcomes)]


LATE: Final = NOON + GENERATION_TIMEOUT + PATIENCE - timedelta(minutes=3)
TROUBLES: Final[Mapping[str, tuple[Says, Says]]] = {
    "every poll is refused": (always("refused"), always("there")),
    "every link is dead": (always("done"), always("dead")),
    "every file is busy": (always("done"), always("busy")),
    "links are dead and busy in turn": (always("done"), in_turn("dead", "busy")),
    "one song is dead and the other's host wants pauses of its own": (always("done"), in_turn("dead", "asks")),
    "links are dead, and their task is asked in vain": (
        lambda _now, asked: "refused" if asked > MOST_PLAIN_POLLS / 4 else "done",
        always("dead"),
    ),
    "every link dribbles": (always("done"), always("dribbles")),
    "links dribble and are dead in turn": (always("done"), in_turn("dribbles", "dead")),
    "polls refuse and bring dead links": (in_turn("refused", "done"), always("dead")),
    "done and running in turn, with dead links": (in_turn("done", "running"), always("dead")),
    "done without a link and running in turn": (in_turn("no_link", "no_link", "no_link", "running"), always("dead")),
    "one song, then two, then none": (in_turn("one", "done", "no_link"), always("busy")),
    "everything comes back at the last moment": (
        lambda now, _: "refused" if now < LATE else "done",
        lambda now, asked: "there" if now >= LATE and asked % 2 else "busy",
    ),
}


@pytest.mark.parametrize("model", [SUNO, AIMLAPI], ids=lambda model: str(model["model"]))
@pytest.mark.parametrize("trouble", TROUBLES)
def test_the_longest_path_stays_far_below_what_an_execution_may_hold(
    model: Mapping[str, object], trouble: str, tmp_path: Path
) -> None:
    poll, link = TROUBLES[trouble]
    played(model, until_the_end_of_the_generation_time(poll), link, tmp_path).assert_bounded()


def test_a_song_that_comes_at_the_last_moment_of_the_longest_path_is_delivered(tmp_path: Path) -> None:
    poll, link = TROUBLES["everything comes back at the last moment"]
    ended = played(SUNO, until_the_end_of_the_generation_time(poll), link, tmp_path)
    assert ended.status is JobStatus.SUCCEEDED
    assert ended.after > GENERATION_TIMEOUT + PATIENCE - timedelta(minutes=10)


@pytest.mark.parametrize("model", [SUNO, AIMLAPI], ids=lambda model: str(model["model"]))
def test_a_provider_that_never_delivers_is_polled_a_bounded_number_of_times(
    model: Mapping[str, object], tmp_path: Path
) -> None:
    ended = played(model, always("running"), always("there"), tmp_path)
    assert ended.status is JobStatus.FAILED
    assert 20 < ended.host.polled <= MOST_PLAIN_POLLS
    assert ended.execution.events < MOST_EVENTS


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    model=st.sampled_from([SUNO, AIMLAPI]),
    polls=st.lists(st.sampled_from(["running", "refused", "no_link", "one", "done"]), min_size=1, max_size=12),
    links=st.lists(st.sampled_from(["dead", "busy", "asks", "there"]), min_size=1, max_size=8),
    begins_s=st.integers(0, int(GENERATION_TIMEOUT.total_seconds())),
)
def test_any_sequence_of_provider_answers_stays_within_the_bounds(
    model: Mapping[str, object], polls: list[str], links: list[str], begins_s: int, tmp_path: Path
) -> None:
    begins, says = NOON + timedelta(seconds=begins_s), in_turn(*polls)
    poll: Says = lambda now, asked: "running" if now < begins else says(now, asked)  # noqa: E731 - reads as a table row
    played(model, poll, in_turn(*links), tmp_path).assert_bounded()


def test_ten_songs_whose_links_all_come_back_after_twenty_minutes_are_all_delivered(tmp_path: Path) -> None:
    back = NOON + timedelta(minutes=20)
    link: Says = lambda now, _: "there" if now >= back else "dead"  # noqa: E731 - reads as a table row
    ended = all_played(10, AIMLAPI, always("done"), link, tmp_path)
    assert [each.status for each in ended] == [JobStatus.SUCCEEDED] * 10
    assert max(each.after for each in ended) < timedelta(minutes=30)
    assert ended[0].host.polled + ended[0].host.fetched.total() < 10 * 40
    assert all(each.execution.events < MOST_EVENTS / 4 for each in ended)


def test_the_ordinary_job_of_two_songs_takes_few_events(tmp_path: Path) -> None:
    ended = played(SUNO, in_turn("running", "running", "done"), always("there"), tmp_path)
    assert (ended.status, ended.host.fetched.total()) == (JobStatus.SUCCEEDED, 2)
    assert ended.execution.events < 80
