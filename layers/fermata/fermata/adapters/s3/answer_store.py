"""The providers' raw answers in S3, streamed in constant memory. A complete answer has the key
`staging/<job id>/<attempt>`; partial answers and other files lie beside it under `<attempt>.<name>`.
"""

import io
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Self
from urllib.parse import quote, unquote

from fermata.adapters.aws_errors import NO_SUCH_KEY, aws_errors
from fermata.adapters.s3.folders import abort_uploads_below, delete_below
from fermata.adapters.s3.song_metadata import NotedAnswer, metadata_of, read_metadata
from fermata.adapters.spliced import SplicedFile
from fermata.domain.audio.marks import Part, without_edits
from fermata.errors import AnswerLostError, DiskFullError, TransientError
from fermata.log import logger
from fermata.ports.audio import StagedSong
from fermata.ports.providers import StreamedAnswer
from fermata.scratch import disk, spooled_file

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

_PART_BYTES: Final = 5 * 1024 * 1024
"""The smallest part that S3 accepts. Memory holds one part of an answer at a time."""

_READ_BYTES: Final = 1024 * 1024
_NOT_THERE: Final = "404"
"""The code of an answer to HEAD, which has no body that could name another."""
_CONTENT_TYPE_LIMIT: Final = 255
_NOT_ASCII: Final = re.compile(r"[^\x20-\x7e]")


class S3AnswerStore:
    """`AnswerStore` over one bucket. An object exists only once its upload completed. `scratch` is a folder on disk."""

    def __init__(self, client: "S3Client", bucket: str, scratch: Path | None = None) -> None:
        self._client = client
        self._bucket = bucket
        self._scratch = scratch or disk()

    def keep(self, job_id: str, attempt: int, answer: StreamedAnswer) -> None:
        """Stream an answer into the bucket. Raises `TransientError`.

        When the answer is cut, the upload is aborted and `AnswerLostError` passes through. The received part is kept as
        the file `cut` if the disk had room for a copy; the upload itself needs no disk.
        """
        metadata = {"http-status": str(answer.http_status)}
        if answer.retry_after_s is not None:
            metadata["retry-after-s"] = str(answer.retry_after_s)
        if answer.trace_id is not None:
            # S3 trims surrounding white space and decodes some encodings; quoted text comes back as it was.
            metadata["trace-id"] = quote(answer.trace_id, safe="")
        content_type = _NOT_ASCII.sub("?", answer.content_type)[:_CONTENT_TYPE_LIMIT] or "application/octet-stream"
        with _Copy(self._scratch) as copy:
            body = io.BufferedReader(_ChunkReader(copy.copying(answer.chunks())), _READ_BYTES)
            try:
                self._upload(body, _key(job_id, attempt), ContentType=content_type, Metadata=metadata)
            except AnswerLostError:
                self._keep_received_part(job_id, attempt, copy)
                raise

    def keep_song(
        self,
        job_id: str,
        attempt: int,
        answer: StreamedAnswer,
        song: StagedSong,
        path: Path,
        parts: Sequence[Part] = (),
    ) -> bool:
        """Store an answer as its song, in one request that the SDK may repeat, because it reads the file again. S3
        refuses a song with another SHA-256. False where S3's metadata cannot hold what stands around the song. Raises
        `TransientError`.
        """
        metadata = metadata_of(answer, song)
        if metadata is None:
            return False
        with aws_errors("a provider's song could not be staged"), path.open("rb") as file:
            self._client.put_object(
                Bucket=self._bucket,
                Key=_key(job_id, attempt),
                Body=SplicedFile(file, parts) if parts else file,  # type: ignore[arg-type] # all that the SDK uses of a file
                ContentType=song.facts.content_type,
                ChecksumSHA256=b64encode(bytes.fromhex(song.marked.sha256)).decode(),
                Metadata=metadata,
            )
        return True

    def song(self, job_id: str, attempt: int) -> StagedSong | None:
        """The song of an answer that was kept as one, or None. Raises `TransientError`."""
        with aws_errors("what is staged could not be looked at", _NOT_THERE):
            found = self._client.head_object(Bucket=self._bucket, Key=_key(job_id, attempt))
            noted = read_metadata(found["Metadata"])
            return noted.song if noted else None
        return None

    def keep_file(self, job_id: str, attempt: int, name: str, file: IO[bytes]) -> None:
        """Stream a file into the bucket beside the answer. Raises `TransientError`."""
        self._upload(file, f"{_key(job_id, attempt)}.{name}", ContentType="application/octet-stream")

    def open_file(self, job_id: str, attempt: int, name: str) -> Iterator[bytes] | None:
        """The bytes of a kept file in chunks, or None. Raises `TransientError`."""
        stored = self._get(f"{_key(job_id, attempt)}.{name}")
        return None if stored is None else _chunks_of(stored)

    def open(self, job_id: str, attempt: int) -> StreamedAnswer | None:
        """The complete answer as it was sent, or None. Raises `TransientError`."""
        stored = self._get(_key(job_id, attempt))
        if stored is None:
            return None
        noted = read_metadata(stored["Metadata"])
        return _KeptAnswer(stored) if noted is None else _KeptSong(stored, noted)

    def forget(self, job_id: str) -> None:
        """Delete every answer of a job and abort its unfinished uploads. Raises `TransientError`."""
        abort_uploads_below(self._client, self._bucket, f"staging/{job_id}/")
        delete_below(self._client, self._bucket, f"staging/{job_id}/")

    def _upload(self, file: IO[bytes] | io.BufferedReader, key: str, **extra_args: str | dict[str, str]) -> None:
        # With it come boto3's transfers, which take longer to import than most functions to start.
        from boto3.s3.transfer import TransferConfig

        in_parts = TransferConfig(multipart_threshold=_PART_BYTES, multipart_chunksize=_PART_BYTES, use_threads=False)
        with aws_errors("what a provider sent could not be staged"):
            self._client.upload_fileobj(file, self._bucket, key, ExtraArgs=extra_args, Config=in_parts)

    def _get(self, key: str) -> "GetObjectOutputTypeDef | None":
        with aws_errors("what is staged could not be opened", NO_SUCH_KEY):
            return self._client.get_object(Bucket=self._bucket, Key=key)
        return None

    def _keep_received_part(self, job_id: str, attempt: int, copy: "_Copy") -> None:
        file = copy.from_the_start()
        if file is None:
            return
        try:
            self.keep_file(job_id, attempt, "cut", file)
        except TransientError as error:
            logger.warning("the part of an answer that arrived was not kept", extra={"error": str(error)})


class _Copy:
    """A copy on disk of the bytes that are being uploaded, in case the answer is cut. When the disk is full, the copy
    is dropped and the upload continues, because the answer is paid for.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._resources = ExitStack()
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        with self._drop_when_full():
            self._file = self._resources.enter_context(spooled_file(self._scratch, _PART_BYTES))
        return self

    def __exit__(self, *_: object) -> None:
        with self._drop_when_full():
            self._resources.close()

    def copying(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The same chunks, each copied before it is yielded."""
        for chunk in chunks:
            if self._file is not None:
                with self._drop_when_full():
                    self._file.write(chunk)
            yield chunk

    def from_the_start(self) -> IO[bytes] | None:
        """The copy, rewound; None where it is empty or was dropped."""
        if self._file is None or self._file.tell() == 0:
            return None
        with self._drop_when_full():
            self._file.seek(0)
        return self._file

    @contextmanager
    def _drop_when_full(self) -> Iterator[None]:
        try:
            yield
        except (DiskFullError, OSError) as error:
            logger.warning("an answer is staged without a copy on disk", extra={"error": type(error).__name__})
            self._file = None
            with suppress(OSError, DiskFullError):
                self._resources.close()


def _chunks_of(stored: "GetObjectOutputTypeDef") -> Iterator[bytes]:
    with aws_errors("what is staged could not be read"):
        yield from stored["Body"].iter_chunks(_READ_BYTES)


class _ChunkReader(io.RawIOBase):
    """A readable file over an iterator of chunks, because the SDK uploads only from files."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]  # typeshed's type is wider
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._left = memoryview(chunk)
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


class _KeptAnswer:
    def __init__(self, stored: "GetObjectOutputTypeDef") -> None:
        metadata = stored["Metadata"]
        self._stored = stored
        self.http_status = int(metadata["http-status"])
        self.content_type = stored["ContentType"]
        self.retry_after_s = int(metadata["retry-after-s"]) if "retry-after-s" in metadata else None
        self.trace_id = unquote(metadata["trace-id"]) if "trace-id" in metadata else None

    def chunks(self) -> Iterator[bytes]:
        return _chunks_of(self._stored)


class _KeptSong:
    """The answer that a staged song was taken from."""

    def __init__(self, stored: "GetObjectOutputTypeDef", noted: NotedAnswer) -> None:
        self._stored = stored
        self._song = noted.song
        self.http_status = noted.http_status
        self.content_type = noted.content_type
        self.retry_after_s = noted.retry_after_s
        self.trace_id = noted.trace_id

    def chunks(self) -> Iterator[bytes]:
        return self._song.around.rebuilt(without_edits(_chunks_of(self._stored), self._song.marked.edits))


def _key(job_id: str, attempt: int) -> str:
    return f"staging/{job_id}/{attempt}"
