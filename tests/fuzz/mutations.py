"""Changes inputs as hostile and broken senders do: a little here, a size there, a part again and again."""

import random
import struct
from collections.abc import Callable, Sequence
from typing import Final

LONGEST: Final = 96 * 1024
"""How long a changed input is at most, in bytes."""

_MOST_CHANGES: Final = 8
_NUMBERS: Final = (
    0,
    1,
    2,
    7,
    8,
    16,
    127,
    128,
    255,
    256,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFF0,
    0xFFFFFFFF,
)
_FORMATS: Final = (">B", "<H", ">H", "<I", ">I", "<Q", ">Q")

Mutation = Callable[[bytearray, random.Random, Sequence[bytes]], None]


def mutated(seeds: Sequence[bytes], choices: random.Random) -> bytes:
    """One of these inputs with a few changes."""
    changed = bytearray(choices.choice(seeds))
    for _ in range(choices.randint(1, _MOST_CHANGES)):
        choices.choice(_MUTATIONS)(changed, choices, seeds)
        del changed[LONGEST:]
    return bytes(changed)


def _place(changed: bytearray, choices: random.Random) -> int:
    # Headers stand at the beginning, and most of what is odd is in them.
    near = choices.random() < 0.6
    return choices.randrange(min(len(changed), 256) + 1 if near else len(changed) + 1)


def _span(changed: bytearray, choices: random.Random) -> tuple[int, int]:
    start = _place(changed, choices)
    return start, min(len(changed), start + choices.choice((1, 4, 8, 30, 200, 4000)))


def _flip(changed: bytearray, choices: random.Random, _: Sequence[bytes]) -> None:
    at = _place(changed, choices)
    if at < len(changed):
        changed[at] ^= 1 << choices.randrange(8)


def _number(changed: bytearray, choices: random.Random, _: Sequence[bytes]) -> None:
    form = choices.choice(_FORMATS)
    size, at = struct.calcsize(form), _place(changed, choices)
    changed[at : at + size] = struct.pack(form, choices.choice(_NUMBERS) & (1 << 8 * size) - 1)


def _noise(changed: bytearray, choices: random.Random, _: Sequence[bytes]) -> None:
    start, end = _span(changed, choices)
    changed[start:end] = choices.randbytes(end - start)


def _drop(changed: bytearray, choices: random.Random, _: Sequence[bytes]) -> None:
    start, end = _span(changed, choices)
    del changed[start:end]


def _cut(changed: bytearray, choices: random.Random, _: Sequence[bytes]) -> None:
    del changed[choices.randrange(len(changed) + 1) :]


def _repeat(changed: bytearray, choices: random.Random, _: Sequence[bytes]) -> None:
    start, end = _span(changed, choices)
    changed[start:start] = bytes(changed[start:end]) * choices.choice((1, 2, 20, 500))


def _mix(changed: bytearray, choices: random.Random, seeds: Sequence[bytes]) -> None:
    other = choices.choice(seeds)
    begin = choices.randrange(len(other) + 1)
    start, end = _span(changed, choices)
    changed[start:end] = other[begin : begin + choices.choice((8, 100, 5000))]


_MUTATIONS: Final[tuple[Mutation, ...]] = (_flip, _flip, _number, _number, _noise, _drop, _cut, _repeat, _mix)
