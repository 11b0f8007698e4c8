"""Files with one request per line, split as they are read: each line's position and error."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from fermata.domain.web.json_body import MAX_BODY_BYTES
from fermata.domain.web.problem import Problem, problem_of
from fermata.errors import BodyTooLargeError, InvalidRequestError, MalformedBodyError

MAX_LINES: Final = 100_000
MAX_FILE_BYTES: Final = 512 * 1024 * 1024
MAX_BAD_LINES: Final = MAX_LINES // 10
"""Most lines that cannot be requests; a file with more is the wrong file, or written wrongly."""
MOST_FIELDS_OF_A_LINE: Final = 10
"""Most wrong fields that are named per line, so that the report of a file is not much longer than the file."""

Check = Callable[[bytes], object]
"""Raises `MalformedBodyError` or `InvalidRequestError` for a line that cannot be a request."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is not blank: its number from 1 on, its position in bytes, and why it cannot be a request."""

    number: int
    start: int
    length: int
    problem: Problem | None


def read_lines(chunks: Iterable[bytes], check: Check) -> Iterator[Line]:
    """The lines of a file in their order, in constant memory, each validated by `check`. Blank lines are numbered but
    left out.

    Raises `BodyTooLargeError` beyond `MAX_LINES` lines or `MAX_FILE_BYTES`, after the lines before.
    """
    start = 0
    for number, (text, length) in enumerate(_split(_bounded(chunks)), 1):
        if number > MAX_LINES:
            raise BodyTooLargeError(f"the file has more than {MAX_LINES} lines; split it")
        if text is None or text.strip():
            yield Line(number, start, length, _problem(text, check))
        start += length + 1


def _problem(text: bytes | None, check: Check) -> Problem | None:
    if text is None:
        return problem_of(BodyTooLargeError(f"the line is longer than {MAX_BODY_BYTES} bytes"))
    try:
        check(text)
    except MalformedBodyError as error:
        return problem_of(error)
    except InvalidRequestError as error:
        return problem_of(InvalidRequestError(error.fields[:MOST_FIELDS_OF_A_LINE]))
    return None


def _bounded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    length = 0
    for chunk in chunks:
        length += len(chunk)
        if length > MAX_FILE_BYTES:
            raise BodyTooLargeError(f"the file is longer than {MAX_FILE_BYTES} bytes; split it")
        yield chunk


def _split(chunks: Iterable[bytes]) -> Iterator[tuple[bytes | None, int]]:
    """Each line without its line feed, or None if it is too long to be kept, and its length in bytes."""
    kept, length = bytearray(), 0
    for chunk in chunks:
        *whole, rest = chunk.split(b"\n")
        for part in whole:
            yield _joined(kept, part, length + len(part)), length + len(part)
            kept.clear()
            length = 0
        length += len(rest)
        if length <= MAX_BODY_BYTES:
            kept += rest
    if length:
        yield _joined(kept, b"", length), length


def _joined(kept: bytearray, part: bytes, length: int) -> bytes | None:
    if length > MAX_BODY_BYTES:
        return None
    return bytes(kept) + part if kept else part
