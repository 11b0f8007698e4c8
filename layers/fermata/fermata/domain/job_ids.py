"""Job ids: `job_` and a ULID, so that they sort by time, fit an execution name and cannot be guessed."""

import re
from datetime import datetime
from typing import Final

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_JOB_ID: Final = re.compile(r"job_[0-7][0-9A-HJKMNP-TV-Z]{25}")
RANDOM_BYTES: Final = 10


def new_job_id(now: datetime, randomness: bytes) -> str:
    """The id for a job created now; `randomness` is 10 random bytes (ULID: 48 bits of ms, 80 bits of randomness)."""
    number = (int(now.timestamp() * 1000) << 80) | int.from_bytes(randomness[:RANDOM_BYTES], "big")
    return "job_" + "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


def is_job_id(text: str) -> bool:
    """Whether a text has the form of a job id; anything else is not looked up."""
    return _JOB_ID.fullmatch(text) is not None
