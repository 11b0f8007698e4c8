"""Files: fetched from fresh links, resumed after a cut, and checked before they count as there."""

import hashlib
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, Final

from fermata_client.core.calls import network_error
from fermata_client.core.flow import Do, Emit, Flow, LostError, Pause, Request, Response, Step, do, open_answer, read
from fermata_client.core.orders import JobState, status
from fermata_client.errors import DownloadError, FermataError
from fermata_client.models.job import TrackInfo

_RANGE: Final = re.compile(r"bytes (\d+)-")
_EXTENSIONS: Final = {
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
}
_READABLE: Final = 0o666
"""Less the process's umask, as any file that a program creates; temporary files are the user's alone otherwise."""


@dataclass
class TrackState:
    """A track of a job, as it was last seen."""

    job: JobState
    info: TrackInfo


class _CutError(Exception):
    """The file did not come whole this time; the rest may come from another link."""


@dataclass
class _Received:
    """What has come of a file: bytes from its beginning, and their hash."""

    track: TrackInfo
    position: int = 0
    skip: int = 0
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    @property
    def is_whole(self) -> bool:
        """Whether all bytes are there."""
        return self.position >= self.track.bytes

    def begin(self, response: Response) -> None:
        """Take the head of an answer; raises `_CutError` for one that brings nothing that is wanted."""
        if response.status == HTTPStatus.PARTIAL_CONTENT and self.position:
            found = _RANGE.match(response.headers.get("content-range", ""))
            if not found or int(found[1]) != self.position:
                raise _CutError(f"expected the bytes from {self.position} on, found other ones")
            self.skip = 0
        elif response.status == HTTPStatus.OK:
            self.skip = self.position
        else:
            raise _CutError(f"the link answered {response.status}")
        length = response.headers.get("content-length", "")
        if length.isdigit() and int(length) + self.position - self.skip != self.track.bytes:
            kind = response.headers.get("content-type", "no content type")
            raise _CutError(f"expected {self.track.bytes} bytes, found {length} of {kind}")

    def take(self, chunk: bytes) -> bytes:
        """The part of the bytes that is new; raises `DownloadError` for more than the file has."""
        skipped = min(self.skip, len(chunk))
        self.skip -= skipped
        new = chunk[skipped:]
        self._hash.update(new)
        self.position += len(new)
        if self.position > self.track.bytes:
            raise DownloadError(f"expected {self.track.bytes} bytes of track {self.track.number}, found more")
        return new

    def check(self) -> None:
        """Raise `DownloadError` where the bytes are not those that were measured."""
        if self._hash.hexdigest() != self.track.sha256:
            raise DownloadError(
                f"the SHA-256 of track {self.track.number} is not the one that Fermata measured; download it again"
            )


def fresh(state: TrackState) -> Flow[TrackInfo]:
    """The track with a link that was made now; raises `DownloadError` for one that is gone."""
    job = yield from status(state.job)
    found = next((track for track in job.tracks if track.number == state.info.number), None)
    if found is None:
        raise _about(state, DownloadError(f"{job.id} has no track {state.info.number} any more"))
    state.info = found
    return found


def url(state: TrackState) -> Flow[str]:
    """A link that was made now and works for some minutes, without a key. Whoever has it may listen."""
    return (yield from fresh(state)).url


def iterate(state: TrackState) -> Flow[None]:
    """The file's bytes as they come. Raises `DownloadError` at the end where they were not the file's."""
    yield from _download(state, Emit)


def read_all(state: TrackState) -> Flow[bytes]:
    """The whole file, checked."""
    pieces: list[bytes] = []
    yield from _download(state, lambda piece: Do(lambda: pieces.append(piece)))
    return b"".join(pieces)


def save(state: TrackState, path: str | os.PathLike[str]) -> Flow[Path]:
    """Write the file, or into a folder under the job's id, and return where. What is there is replaced.

    The bytes go to a temporary name beside it, which is renamed once they are whole and checked. Raises
    `DownloadError`, or `OSError` where the disk does not take it; then nothing is left.
    """
    wanted = Path(path)
    target = wanted / file_name(state) if wanted.is_dir() else wanted
    partial = yield from do(lambda: _Partial(target))
    try:
        yield from _download(state, lambda piece: Do(lambda: partial.write(piece)))
        yield from do(partial.finish)
    finally:
        partial.discard()
    return target


def file_name(state: TrackState) -> str:
    """A name that is safe on every system: the job's id, the track's number and the kind of file."""
    job_id = re.sub(r"[^A-Za-z0-9_]", "", state.job.job_id)
    return f"{job_id}-{state.info.number}.{_EXTENSIONS.get(state.info.content_type, 'audio')}"


class _Partial:
    """A file that is being written beside its final name."""

    def __init__(self, target: Path) -> None:
        self._target = target
        handle, name = tempfile.mkstemp(prefix=".fermata-", suffix=".part", dir=target.parent)
        self._path = Path(name)
        self._file: BinaryIO = os.fdopen(handle, "wb")

    def write(self, piece: bytes) -> None:
        """Add bytes."""
        self._file.write(piece)

    def finish(self) -> None:
        """Make it durable, and give it its name."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.chmod(_READABLE & ~_umask())
        self._path.replace(self._target)

    def discard(self) -> None:
        """Leave nothing behind that has not got its name."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _download(state: TrackState, put: Callable[[bytes], Step]) -> Flow[None]:
    """Fetch a file from fresh links, as often as the context's retries allow without any progress."""
    context = state.job.context
    received = _Received(state.info)
    failures = 0
    while not received.is_whole:
        before = received.position
        try:
            yield from _fetch(state, received, put)
            continue
        except _CutError as cut:
            error: FermataError = DownloadError(f"track {state.info.number} did not come whole: {cut}")
        except LostError as lost:
            error = network_error(lost)
        except FermataError as refused:
            raise _about(state, refused) from None
        failures = 0 if received.position > before else failures + 1
        pause_s = context.retries.pause_s(max(failures, 1), None, context.clock.chance)
        if pause_s is None:
            raise _about(state, error)
        yield Pause(pause_s)
    try:
        received.check()
    except DownloadError as wrong:
        raise _about(state, wrong) from None


def _fetch(state: TrackState, received: _Received, put: Callable[[bytes], Step]) -> Flow[None]:
    track = yield from fresh(state)
    headers = {"Accept-Encoding": "identity"}
    if received.position:
        headers["Range"] = f"bytes={received.position}-"
    received.begin((yield from open_answer(Request("GET", track.url, headers))))
    while not received.is_whole:
        chunk = yield from read()
        if chunk is None:
            raise _CutError(f"it ended after {received.position} of {received.track.bytes} bytes")
        if new := received.take(chunk):
            yield put(new)


def _about(state: TrackState, error: FermataError) -> FermataError:
    error.job_id = state.job.job_id
    return error
