"""Ids of a prefix and a ULID: they sort by time, fit an execution name and cannot be guessed."""

import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_JOB_ID: Final = re.compile(r"job_[0-7][0-9A-HJKMNP-TV-Z]{25}")
_REFERENCE_ID: Final = re.compile(r"ref_[0-7][0-9A-HJKMNP-TV-Z]{25}")
_TIME_CHARACTERS: Final = 10
RANDOM_BYTES: Final = 10


def new_job_id(now: datetime, randomness: bytes) -> str:
    """The id for a job created now; `randomness` is 10 random bytes."""
    return "job_" + sortable_id(now, randomness)


def derived_job_id(at: datetime, source: str) -> str:
    """The id of a job derived from `source`, the same on every call; it sorts by `at`, which must also depend only on
    the source.
    """
    return new_job_id(at, sha256(source.encode()).digest()[:RANDOM_BYTES])


def new_reference_id(now: datetime, randomness: bytes) -> str:
    """The id for a reference upload offered now; `randomness` is 10 random bytes."""
    return "ref_" + sortable_id(now, randomness)


def sortable_id(now: datetime, randomness: bytes) -> str:
    """A ULID, 26 characters that sort by time: 48 bits of ms and 80 bits of `randomness` (10 bytes)."""
    number = (int(now.timestamp() * 1000) << 80) | int.from_bytes(randomness[:RANDOM_BYTES], "big")
    return "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


def first_id_of(moment: datetime) -> str:
    """The beginning of every id that was issued at `moment`; it sorts before all of them and after all earlier ids."""
    return sortable_id(moment, bytes(RANDOM_BYTES))[:_TIME_CHARACTERS]


def execution_name(job_id: str, restored_at: datetime | None) -> str:
    """The name of a job's execution. `restored_at` is when the table was restored before the job was replayed: its id
    may be the name of an earlier execution.
    """
    return job_id if restored_at is None else f"{job_id}-{int(restored_at.timestamp() * 1000)}"


def job_of_execution(name: str) -> str:
    """The id of the job that an execution of this name runs."""
    return name.partition("-")[0]


def is_job_id(text: str) -> bool:
    """Whether a text has the form of a job id; anything else is not looked up."""
    return _JOB_ID.fullmatch(text) is not None


def is_reference_id(text: str) -> bool:
    """Whether a text has the form of a reference's id; anything else is not looked up."""
    return _REFERENCE_ID.fullmatch(text) is not None


def reference_created_at(reference_id: str) -> datetime:
    """When a reference's id was issued, to the millisecond."""
    time = reference_id.removeprefix("ref_")[:_TIME_CHARACTERS]
    milliseconds = sum(_CROCKFORD.index(character) << (5 * place) for place, character in enumerate(reversed(time)))
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
