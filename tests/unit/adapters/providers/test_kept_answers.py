"""The contract of every dialect: each kept answer means what the provider's documentation says, and a failure says what
to do.
"""

from typing import Final

import pytest

from fermata.domain.providers.failures import MESSAGE_LIMIT
from tests.fixtures.http_answers import answer_names
from tests.fixtures.kept_answers import Meanings, failure_of, read_kept, summary
from tests.fixtures.meanings import (
    aimlapi,
    aimlapi_music01,
    aimlapi_speech,
    apiinone,
    minimax,
    minimax_speech,
    skillboss,
)

MEANINGS: Final[dict[str, Meanings]] = {
    "minimax": minimax.MEANINGS,
    "minimax_speech": minimax_speech.MEANINGS,
    "skillboss": skillboss.MEANINGS,
    "apiinone": apiinone.MEANINGS,
    "aimlapi": aimlapi.MEANINGS,
    "aimlapi_music01": aimlapi_music01.MEANINGS,
    "aimlapi_speech": aimlapi_speech.MEANINGS,
}
KEPT: Final = [(dialect, name) for dialect, meanings in MEANINGS.items() for name in meanings]


@pytest.mark.parametrize("dialect", MEANINGS)
def test_every_kept_answer_has_a_meaning(dialect: str) -> None:
    assert answer_names(dialect) == sorted(MEANINGS[dialect])


@pytest.mark.parametrize(("dialect", "name"), KEPT)
def test_a_kept_answer_means(dialect: str, name: str) -> None:
    assert summary(read_kept(dialect, name)) == MEANINGS[dialect][name]


@pytest.mark.parametrize(
    ("dialect", "name"), [(dialect, name) for dialect, name in KEPT if isinstance(MEANINGS[dialect][name], tuple)]
)
def test_a_message_says_what_was_expected_found_and_to_do_and_repeats_no_hint(dialect: str, name: str) -> None:
    message = failure_of(dialect, name).message
    assert message.startswith("expected ")
    assert " found " in message
    assert "; " in message
    assert len(message) <= MESSAGE_LIMIT
    assert "CANARY" not in message
