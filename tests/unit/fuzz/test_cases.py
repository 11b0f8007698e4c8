"""The fuzzing that `make fuzz` does for minutes, for a few cases each: what it reads is the same in every run, and it
sees what is broken.
"""

import random

import pytest

from tests.fuzz import __main__ as command
from tests.fuzz import cases
from tests.fuzz.cases import FREE_CALLS, fuzz, read_case
from tests.fuzz.mutations import LONGEST, mutated
from tests.fuzz.targets import TARGETS, Target

SEEDS = (b"OggS" * 50, b"fLaC" + bytes(300))


def broken(content: bytes, choices: random.Random) -> int:
    if choices.random() < 0.2:
        raise KeyError("odd")
    return len(content)


def busy(content: bytes, _choices: random.Random) -> int:
    for _ in range(FREE_CALLS + 40 * len(content)):
        abs(1)
    return len(content)


@pytest.mark.parametrize("name", TARGETS)
def test_what_reads_bytes_from_outside_keeps_its_promises(name: str) -> None:
    found = fuzz(name, seed=2, first=0, cases=15, seconds=600)
    assert (found.broken, found.cases) == (None, 15)


def test_a_case_is_the_same_wherever_it_is_read() -> None:
    one, other = (mutated(SEEDS, random.Random("mp3/7/99")) for _ in range(2))
    assert one == other
    target = Target(lambda: SEEDS, lambda content, choices: len(content) + choices.randrange(100), 40)
    assert read_case(target, "a/1/2") == read_case(target, "a/1/2")


def test_changed_inputs_differ_and_stay_short() -> None:
    found = {mutated(SEEDS, random.Random(number)) for number in range(200)}
    assert len(found) > 150
    assert max(map(len, found)) <= LONGEST


def test_an_error_that_nobody_expects_is_told_with_its_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TARGETS, "odd", Target(lambda: SEEDS, broken, 40))
    found = fuzz("odd", seed=1, first=0, cases=100, seconds=600)
    assert found.broken_case == found.cases
    assert found.broken is not None
    assert "KeyError: 'odd'" in found.broken
    again = fuzz("odd", seed=1, first=found.cases, cases=1, seconds=600)
    assert (again.cases, again.broken_case) == (0, found.broken_case)


def test_too_much_work_for_its_length_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TARGETS, "busy", Target(lambda: SEEDS, busy, 1))
    found = fuzz("busy", seed=1, first=5, cases=100, seconds=600)
    assert (found.broken_case, found.cases) == (5, 1)
    assert found.broken is not None
    assert f"expected at most {FREE_CALLS} and 1 a byte" in found.broken


def test_a_broken_promise_is_told_with_what_repeats_it(capsys: pytest.CaptureFixture[str]) -> None:
    found = cases.Fuzzed(99, 3, 10, 10, 50_000_000, broken_case=99, broken="KeyError")
    assert command._told("mp3", 7, found) == 1  # noqa: SLF001
    assert "SEED=7 CASE=99 python -m tests.fuzz mp3" in capsys.readouterr().out


@pytest.mark.parametrize("names", [["nonsense"], ["bombs", "nonsense"]])
def test_a_name_that_is_none_is_refused(names: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(names) == 2
    assert "found nonsense" in capsys.readouterr().err
