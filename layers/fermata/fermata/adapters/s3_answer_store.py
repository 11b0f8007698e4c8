"""The providers' raw answers in S3 under `staging/<job id>/<attempt>`, streamed in and out in constant memory."""

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError

from fermata.adapters.s3_folders import abort_uploads_below, delete_below
from fermata.errors import TransientError
from fermata.ports import StreamedAnswer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

_PART_BYTES: Final = 5 * 1024 * 1024
"""The smallest part S3 takes; one part at a time is what memory holds of an answer."""

_READ_BYTES: Final = 1024 * 1024
_CONTENT_TYPE_LIMIT: Final = 255
_NOT_ASCII: Final = re.compile(r"[^\x20-\x7e]")
_ONE_PART_AT_A_TIME: Final = TransferConfig(
    multipart_threshold=_PART_BYTES, multipart_chunksize=_PART_BYTES, use_threads=False
)


class S3AnswerStore:
    """`AnswerStore` over one bucket. An object exists only once its upload completed."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keep(self, job_id: str, attempt: int, answer: StreamedAnswer) -> None:
        """Stream an answer into the bucket; a cut answer aborts the upload and its `AnswerLostError` passes through."""
        metadata = {"http-status": str(answer.http_status)}
        if answer.retry_after_s is not None:
            metadata["retry-after-s"] = str(answer.retry_after_s)
        content_type = _NOT_ASCII.sub("?", answer.content_type)[:_CONTENT_TYPE_LIMIT] or "application/octet-stream"
        body = io.BufferedReader(_ChunkReader(answer.chunks()), _READ_BYTES)
        try:
            self._client.upload_fileobj(
                body,
                self._bucket,
                _key(job_id, attempt),
                ExtraArgs={"ContentType": content_type, "Metadata": metadata},
                Config=_ONE_PART_AT_A_TIME,
            )
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"the provider's answer could not be staged: {type(error).__name__}") from error

    def open(self, job_id: str, attempt: int) -> StreamedAnswer | None:
        """A complete kept answer, or None."""
        try:
            stored = self._client.get_object(Bucket=self._bucket, Key=_key(job_id, attempt))
        except self._client.exceptions.NoSuchKey:
            return None
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"the staged answer could not be opened: {type(error).__name__}") from error
        return _KeptAnswer(stored)

    def forget(self, job_id: str) -> None:
        """Delete every answer of a job, and the parts of those that were cut."""
        abort_uploads_below(self._client, self._bucket, f"staging/{job_id}/")
        delete_below(self._client, self._bucket, f"staging/{job_id}/")


class _ChunkReader(io.RawIOBase):
    """A file over an iterator of chunks, for an SDK that wants to read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]  # typeshed asks for a protocol no caller needs
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
        self._body = stored["Body"]
        self.http_status = int(metadata["http-status"])
        self.content_type = stored["ContentType"]
        self.retry_after_s = int(metadata["retry-after-s"]) if "retry-after-s" in metadata else None

    def chunks(self) -> Iterator[bytes]:
        try:
            yield from self._body.iter_chunks(_READ_BYTES)
        except BotoCoreError as error:
            raise TransientError(f"the staged answer could not be read: {type(error).__name__}") from error


def _key(job_id: str, attempt: int) -> str:
    return f"staging/{job_id}/{attempt}"
