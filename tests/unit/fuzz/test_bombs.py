"""Nothing that is fetched, uploaded or answered can explode: each bomb is read with 256 MB of address space and ends as
it is to, within the budgets. How long that takes nobody looks at; work is counted.
"""

import pytest

from fermata.adapters.audio.window import MOST_STEPS
from fermata.domain.audio.container import MAX_AUDIO_BYTES
from tests.fuzz.bombs import BOMBS, FILES, SMALL
from tests.fuzz.explode import ADDRESS_SPACE_BYTES, exploded

SLOW = {"a song spelled in escapes", "a song in lines of nothing"}
"""Their budget takes seconds to spend: `make fuzz` spends it, and a test of the decoder spends a smaller one."""


@pytest.mark.parametrize("name", sorted(BOMBS.keys() - SLOW))
def test_a_bomb_ends_as_it_is_to_within_the_budgets(name: str) -> None:
    found = exploded(name, SMALL)
    assert found.ended_as == BOMBS[name].ends_as
    assert found.steps <= MOST_STEPS + 1
    assert found.handed_on_bytes <= (4 * SMALL + 64 * 1024 * 1024 if name in FILES else MAX_AUDIO_BYTES)
    assert found.peak_bytes <= ADDRESS_SPACE_BYTES // 2
