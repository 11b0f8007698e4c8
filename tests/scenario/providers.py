"""Every provider of a scenario, and the fates of what is ordered of them."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from fermata.domain.providers.calls import UpstreamCall
from fermata.errors import (
    AnswerLostError,
    LinkTroubleError,
    NotSentError,
)
from tests.fakes.providers.upstream import ScriptedAnswer
from tests.songs import hex_answer, json_answer, stream_answer
from tests.support.audio_files import mp3

AUDIO: Final = b"ID3" + bytes(40)
_HEARD: Final = AUDIO + mp3(rate=16_000, channels=1, kbps=8, seconds=5)
_STREAM: Final = stream_answer((_HEARD[:3_000], 1), (_HEARD[3_000:], 1), (_HEARD, 2))
"""A song of two pieces and, in its last event, all of it."""


@dataclass(frozen=True)
class Fate:
    """What becomes of the orders, polls and links of one job, one after the other; the last goes on for ever."""

    orders: tuple[str, ...] = ("song",)
    polls: tuple[str, ...] = ("done",)
    links: tuple[str, ...] = ("there",)


FATES: Final = (
    Fate(),
    Fate(polls=("running", "done")),
    Fate(("busy", "song")),
    Fate(("busy",)),
    Fate(("unsent", "song"), ("running", "failed")),
    Fate(("lost",)),
    Fate(("cut", "song")),
    Fate(("busy", "lost", "song"), ("missing", "running", "done")),
    Fate(polls=("done",), links=("dead", "there")),
    Fate(polls=("done", "done"), links=("dead",)),
    Fate(polls=("refused", "refused", "no_link", "done"), links=("busy", "there")),
    Fate(polls=("no_link",)),
    Fate(polls=("refused",)),
    Fate(polls=("done", "refused", "running", "done"), links=("dead", "busy", "dead", "there")),
    Fate(polls=("two", "two"), links=("busy", "there")),
    Fate(polls=("two",), links=("busy",)),
    Fate(polls=("two", "refused", "turned"), links=("there", "dead", "dead", "there")),
)


@dataclass
class FakeProviders:
    """Every provider and its audio links. It knows a job by its prompt, and calls `on_order` at each paid POST before
    its answer. `charged` counts songs that were made, by job and attempt.
    """

    fates: dict[str, Fate] = field(default_factory=dict)
    on_order: Callable[[str, bool], object] = lambda _prompt, _made: None
    _orders: Counter[str] = field(default_factory=Counter)
    _polls: Counter[str] = field(default_factory=Counter)
    _links: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def send(self, provider: str, call: UpstreamCall, key: str, within_s: float) -> Iterator[ScriptedAnswer]:
        assert key, "a call without a key"
        assert within_s > 0, "a call without time"
        yield self._order(provider, call) if call.method == "POST" else self._poll(provider, call)

    def fetch(self, provider: str, url: str) -> Iterator[bytes]:
        assert provider in url
        prompt = url.rpartition("/")[2].removesuffix(".mp3").replace("-", " ")
        yield AUDIO[:10]
        outcome = _next(self.fates[prompt].links, self._links, prompt)
        if outcome != "there":
            raise LinkTroubleError("the link brought nothing", {"dead": 403, "busy": 503}[outcome])
        # No two songs are the same file.
        yield AUDIO[10:] + url.encode()

    def _order(self, provider: str, call: UpstreamCall) -> ScriptedAnswer:
        body = call.body or {}
        prompt = str(body.get("style") or body["prompt"])
        outcome = _next(self.fates[prompt].orders, self._orders, prompt)
        if outcome == "unsent":
            raise NotSentError("no connection")
        self.on_order(prompt, outcome != "busy")
        if outcome == "lost":
            raise AnswerLostError("no answer")
        answer = _BUSY[provider] if outcome == "busy" else _accepted(provider, prompt.replace(" ", "-"))
        answer = _STREAM if outcome != "busy" and body.get("stream") else answer
        if outcome == "cut":
            return ScriptedAnswer(answer.body[: len(answer.body) // 2], ends_with=AnswerLostError("cut"))
        return answer

    def _poll(self, provider: str, call: UpstreamCall) -> ScriptedAnswer:
        task = call.query.get("generation_id") or call.query.get("task_id") or call.path.rpartition("/")[2]
        outcome = _next(self.fates[task.replace("-", " ")].polls, self._polls, task)
        if outcome in _REFUSED:
            return json_answer({"message": "not now", "statusCode": _REFUSED[outcome]}, _REFUSED[outcome])
        return _POLLED[provider](task, outcome)


def _next(outcomes: tuple[str, ...], counted: Counter[str], name: str) -> str:
    counted[name] += 1
    return outcomes[min(counted[name], len(outcomes)) - 1]


_BUSY: Final = {
    "minimax": json_answer({"base_resp": {"status_code": 1002}}),
    "apiinone": json_answer({"code": 429, "message": "slow down"}, 429),
    "aimlapi": json_answer({"message": "slow down", "statusCode": 429}, 429),
}


def _accepted(provider: str, task: str) -> ScriptedAnswer:
    if provider == "minimax":
        return hex_answer(AUDIO)
    if provider == "aimlapi":
        return json_answer({"id": task, "status": "queued"}, 201)
    return json_answer({"code": 200, "data": {"task_id": task, "status": "first"}})


def _aimlapi_polled(task: str, outcome: str) -> ScriptedAnswer:
    word = {"running": "generating", "failed": "error"}.get(outcome, "completed")
    file = None if outcome == "no_link" else {"url": f"https://cdn.test/aimlapi/{task}.mp3"}
    return json_answer({"id": task, "status": word, "audio_file": file})


def _apiinone_polled(task: str, outcome: str) -> ScriptedAnswer:
    word = {"running": "FIRST", "failed": "FAILED"}.get(outcome, "SUCCESS")
    links = [f"https://cdn.test/apiinone/{task}.mp3", f"https://cdn.test/apiinone/second/{task}.mp3"]
    songs = [{"audio_url": link} for link in links[: {"done": 1, "two": 2, "turned": 2}.get(outcome, 0)]]
    songs = songs[::-1] if outcome == "turned" else songs
    return json_answer({"code": 200, "data": {"type": word, "response_data": songs}})


_REFUSED: Final = {"missing": 404, "refused": 401}
_POLLED: Final = {"aimlapi": _aimlapi_polled, "apiinone": _apiinone_polled}
