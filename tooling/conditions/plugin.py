"""A run of pytest that runs each test once, and then those that a promise passes in again without the promise.

Each of these runs is a fork of one process that has collected the tests, so that nothing is imported twice.
"""

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from types import FrameType
from typing import Any, Final, NamedTuple

import pytest

from tooling.conditions.calls import ADAPTERS, ROOT, Promise, Tap
from tooling.conditions.source import fragments_of

WORKERS: Final = 2
LONGEST_S: Final = 240
"""Far more than the tests of any promise need; whoever hangs without a promise has noticed."""

_FORK: Final = multiprocessing.get_context("fork")


class Recorded(NamedTuple):
    """What passed while some tests ran once, with nothing left out."""

    failures: list[str]
    places: dict[Promise, str]
    passed: dict[Promise, list[tuple[bool, float, str]]]
    """By promise, the tests in which it passed: whether no condition refused there, its seconds, its node id."""
    texts: set[str]
    lines: set[tuple[str, int]]

    def __or__(self, other: "Recorded") -> "Recorded":
        """What passed in either."""
        passed = {each: self.passed.get(each, []) + other.passed.get(each, []) for each in self.places | other.places}
        return Recorded(
            self.failures + other.failures,
            other.places | self.places,
            passed,
            self.texts | other.texts,
            self.lines | other.lines,
        )

    def tests_of(self, promise: Promise) -> list[str]:
        """Node ids, those that are likely to notice first, then the quick ones."""
        return [test for *_, test in sorted(self.passed[promise])]


class RemovedConditions:
    """The plugin. Where there are `words`, only promises whose text has one of them are left out."""

    def __init__(self, words: Sequence[str] = ()) -> None:
        self._words = words
        self._tap = Tap()
        self._failures: list[str] = []
        self._took_s: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a phase of a test ended."""
        self._took_s[report.nodeid] = self._took_s.get(report.nodeid, 0) + report.duration
        if report.failed:
            self._failures.append(f"{report.nodeid}\n{report.longreprtext}")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Take the place of pytest's own loop; the session fails for each promise that no test keeps."""
        began = time.monotonic()
        with self._tap.open():
            recorded = self._recorded(session.items)
            if recorded.failures:
                print(*recorded.failures, "the tests fail without anything left out", sep="\n")
                session.testsfailed = len(recorded.failures)
                return True
            untested = _untested(recorded)
            for line in untested:
                print(line)
            words = self._words or [""]
            chosen = sorted(each for each in recorded.passed if any(word in str(each) for word in words))
            print(f"{time.monotonic() - began:5.1f} s  {len(chosen)} promises in conditions and updates", flush=True)
            survivors = self._survivors(chosen, recorded, {item.nodeid: item for item in session.items})
        for each in survivors:
            print(f"SURVIVED  {recorded.places[each]}  {each}")
        kept = len(chosen) - len(survivors)
        print(f"{kept} of {len(chosen)} conditions and updates kept in {time.monotonic() - began:.0f} s")
        session.testsfailed = len(survivors) + len(untested) + (not chosen)
        return True

    def _recorded(self, items: Sequence[pytest.Item]) -> Recorded:
        running: list[tuple[ForkProcess, Connection[Any, Recorded]]] = []
        for number in range(WORKERS):
            receiving, sending = _FORK.Pipe(duplex=False)
            process = _FORK.Process(target=self._record, args=(items[number::WORKERS], sending))
            process.start()
            sending.close()
            running.append((process, receiving))
        recorded = Recorded([], {}, {}, set(), set())
        for process, receiving in running:
            recorded |= receiving.recv()
            process.join()
        return recorded

    def _record(self, items: Sequence[pytest.Item], sending: "Connection[Recorded, Any]") -> None:
        _be_silent()
        passed: dict[Promise, list[tuple[bool, float, str]]] = {}
        places: dict[Promise, str] = {}
        with _covering() as lines:
            for item, following in _in_turn(items):
                self._tap.seen, self._tap.refused = {}, set()
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                places = self._tap.seen | places
                for promise in self._tap.seen:
                    how = promise not in self._tap.refused, self._took_s[item.nodeid], item.nodeid
                    passed.setdefault(promise, []).append(how)
        sending.send(Recorded(self._failures, places, passed, self._tap.texts, lines))

    def _survivors(self, chosen: Sequence[Promise], recorded: Recorded, items: dict[str, pytest.Item]) -> list[Promise]:
        waiting, survivors = list(reversed(chosen)), list[Promise]()
        running: dict[int, tuple[ForkProcess, Promise, float]] = {}
        while waiting or running:
            while waiting and len(running) < WORKERS:
                promise = waiting.pop()
                tests = [items[test] for test in recorded.tests_of(promise)]
                process = _FORK.Process(target=self._run_without, args=(promise, tests))
                process.start()
                running[process.sentinel] = process, promise, time.monotonic()
            ended = wait(list(running), timeout=1)
            late = [each for each, (*_, since) in running.items() if time.monotonic() - since > LONGEST_S]
            for sentinel in {*ended, *late}:
                process, promise, since = running.pop(int(str(sentinel)))
                if sentinel in late:
                    process.kill()
                process.join()
                kept = process.exitcode != 0
                survivors += [] if kept else [promise]
                fate = "killed" if kept else "SURVIVED"
                print(f"{time.monotonic() - since:5.1f} s  {fate:8}  {promise}", flush=True)
        return survivors

    def _run_without(self, promise: Promise, items: Sequence[pytest.Item]) -> None:
        _be_silent()
        self._tap.left_out = promise
        for item, following in _in_turn(items):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._failures:
                # Whatever fixtures are still open end with the process.
                os._exit(1)


def _untested(recorded: Recorded) -> list[str]:
    return [
        f"UNTESTED  {fragment.file.relative_to(ROOT)}:{fragment.line}  no test of a store comes past "
        f"`{fragment.text.strip()}`"
        for fragment in fragments_of(ADAPTERS)
        if not (fragment.is_in(recorded.texts) and fragment.is_on(recorded.lines))
    ]


def _in_turn(items: Sequence[pytest.Item]) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    yield from zip(items, [*items[1:], None], strict=True)


def _be_silent() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


class _covering:  # noqa: N801 - a context manager
    """The lines of the adapters that run meanwhile, as file and number; those of an import count as well."""

    def __init__(self) -> None:
        self._lines: set[tuple[str, int]] = set()

    def __enter__(self) -> set[tuple[str, int]]:
        threading.settrace(self._trace)
        sys.settrace(self._trace)
        return self._lines

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)
        threading.settrace(None)

    def _trace(self, frame: FrameType, event: str, _: object) -> Any:  # noqa: ANN401 - itself, or nothing
        if event == "call" and not frame.f_code.co_filename.startswith(str(ADAPTERS)):
            return None
        self._lines.add((frame.f_code.co_filename, frame.f_lineno))
        return self._trace
