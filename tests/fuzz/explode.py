"""Reads one bomb in a process that may have 256 MB of address space, and tells what came of it."""

import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, Final
from unittest.mock import patch

import httpx

from fermata.adapters.audio import measurement
from fermata.adapters.audio.window import ByteWindow
from fermata.adapters.http.bodies import decoded
from fermata.domain.audio.container import MAX_AUDIO_BYTES
from fermata.domain.web.json_body import read_object
from fermata.errors import FermataError
from fermata.use_cases.generation.follow.parse_answer import decoded_song, read_answer
from tests.fuzz.bombs import BOMBS, Pieces
from tests.support.peak_memory import peak_bytes

ADDRESS_SPACE_BYTES: Final = 256 * 1024 * 1024
_CHUNK: Final = 64 * 1024
# Each process is forked from a small one that has imported this module, which takes longer than most bombs.
_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Explosion:
    """What became of one bomb. `handed_on_bytes` is what was read or unpacked of it, `steps` the work that measuring
    counted, `peak_bytes` the most memory that the process held, and `cpu_s` the seconds of reading alone.
    """

    ended_as: str
    handed_on_bytes: int
    steps: int
    peak_bytes: int
    cpu_s: float


@dataclass
class Reading:
    """What one way of reading has spent so far."""

    octets: int = 0
    steps: int = 0


@dataclass(frozen=True)
class _Answer:
    pieces: Callable[[], Iterator[bytes]]
    http_status: int = 200
    content_type: str = "application/json"
    retry_after_s: int | None = None
    trace_id: str | None = None

    def chunks(self) -> Iterator[bytes]:
        return self.pieces()


def _measure(pieces: Pieces, size: int, spent: Reading) -> Callable[[], str]:
    windows: list[ByteWindow] = []

    def window(file: BinaryIO, length: int) -> ByteWindow:
        windows.append(ByteWindow(file, length))
        return windows[-1]

    file = NamedTemporaryFile()  # noqa: SIM115 - it is to live until it was measured
    for piece in pieces(size):
        file.write(piece)
    file.flush()

    def measured() -> str:
        try:
            with patch.object(measurement, "ByteWindow", window):
                measurement.measure_audio(Path(file.name))
        finally:
            spent.octets, spent.steps = windows[0].loaded_bytes, windows[0].steps
            file.close()
        return "measured"

    return measured


def _unpack(pieces: Pieces, size: int, spent: Reading) -> Callable[[], str]:
    def unpacked() -> str:
        for piece in decoded(pieces(size), "gzip, deflate", MAX_AUDIO_BYTES):
            spent.octets += len(piece)
        return "unpacked"

    return unpacked


def _counted(pieces: Pieces, size: int, spent: Reading) -> Iterator[bytes]:
    for piece in pieces(size):
        for start in range(0, len(piece), _CHUNK):
            spent.octets += len(piece[start : start + _CHUNK])
            yield piece[start : start + _CHUNK]


def _scan(pieces: Pieces, size: int, spent: Reading) -> Callable[[], str]:
    return lambda: read_answer(_Answer(lambda: _counted(pieces, size, spent))).flaw or "read"


def _decode(pieces: Pieces, size: int, spent: Reading) -> Callable[[], str]:
    def spelled() -> str:
        for _ in decoded_song(_counted(pieces, size, spent)):
            pass
        return "decoded"

    return spelled


def _request(pieces: Pieces, size: int, spent: Reading) -> Callable[[], str]:
    def read() -> str:
        # No door takes more than this; what a bomb has beyond it is not needed for its end.
        body = b"".join(piece for piece, _ in zip(pieces(size), range(3), strict=False))
        spent.octets = len(body)
        read_object(body)
        return "read"

    return read


WAYS: Final[Mapping[str, Callable[[Pieces, int, Reading], Callable[[], str]]]] = {
    "measure": _measure,
    "unpack": _unpack,
    "scan": _scan,
    "decode": _decode,
    "request": _request,
}


def explode(name: str, size: int) -> Explosion:
    """Read one bomb of a size in bytes, within the address space that this process may have from now on."""
    bomb, spent = BOMBS[name], Reading()
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    read = WAYS[bomb.way](bomb.pieces, size, spent)
    began = time.process_time()
    try:
        ended_as = read()
    except (FermataError, httpx.HTTPError) as error:
        ended_as = type(error).__name__
    return Explosion(ended_as, spent.octets, spent.steps, peak_bytes(), time.process_time() - began)


def exploded(name: str, size: int) -> Explosion:
    """The same in a process of its own. One that ends otherwise is told by how it ended."""
    reader, writer = _FORKS.Pipe(duplex=False)
    process = _FORKS.Process(target=_tell, args=(writer, name, size))
    process.start()
    writer.close()
    try:
        found: Explosion = reader.recv()
    except EOFError:
        process.join()
        return Explosion(f"exit status {process.exitcode}", 0, 0, 0, 0)
    process.join()
    return found


def _tell(writer: Connection, name: str, size: int) -> None:
    try:
        found = explode(name, size)
    except Exception as error:  # noqa: BLE001 (whatever it is, it is what became of the bomb)
        found = Explosion(f"{type(error).__name__}: {error}", 0, 0, 0, 0)
    writer.send(found)
