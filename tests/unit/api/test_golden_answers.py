"""Answers to callers stay the same, byte for byte, until a change is intended."""

import json
from typing import Final

import pytest

from tests.golden_answers import ANSWERS, told_answers

HOW_TO: Final = "where the change is meant, write the answers anew: python -m tests.golden_answers"


def test_every_answer_is_byte_for_byte_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    written = json.loads(ANSWERS.read_text("utf-8"))
    told = told_answers(monkeypatch)
    assert set(told) == set(written), HOW_TO
    for name, answer in told.items():
        assert answer == written[name], f"{name}: {HOW_TO}"
