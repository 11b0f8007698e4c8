"""What rescue_audio answers on each way through its machine, and the states that the way goes through."""

from typing import Final

from fermata.use_cases.generation.finish.rescue_audio import RescueOutcome
from tests.integration.use_cases.generation.engines.paths import Answer, Path, fails


def _way(name: str, answers: list[Answer], end: str) -> Path:
    return Path(name, tuple(("RescueAudio", answer) for answer in answers), ("RescueAudio", end))


_SAYS: Final[Answer] = {"payload": {"outcome": RescueOutcome.FETCHED.value}}

RESCUES: Final = (
    _way("a look at the songs", [_SAYS], "Done"),
    _way("a busy account looks later", [fails("Lambda.TooManyRequestsException")] * 3 + [_SAYS], "Done"),
    _way("a look that died is left to the reaper", [fails("Runtime.ExitError")], "NotRescued"),
    _way("a look that failed is left to the reaper", [fails("TransientError")], "NotRescued"),
)
"""Each is a job whose id is the name of its way."""
