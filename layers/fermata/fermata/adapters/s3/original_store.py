"""The providers' files of marked songs in S3, under `originals/`. Each is put together from the stored song when a
caller asks for it; S3 itself copies all but small parts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from fermata.adapters.aws_errors import NO_SUCH_KEY, aws_errors
from fermata.adapters.s3.folders import delete_below
from fermata.domain.audio.marks import Span, parts_of_source, source_bytes
from fermata.domain.jobs.songs import Track
from fermata.errors import NotFoundError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

_SMALLEST_PART: Final = 5 * 1024 * 1024
"""The smallest part that S3 accepts in an upload of several, but for the last."""
_IN_ONE_REQUEST: Final = 8 * 1024 * 1024


class S3OriginalStore:
    """`OriginalStore` over one bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def restore(self, track: Track) -> None:
        """Put the provider's file of a track together, unless it is there. Memory does not grow with the song. Raises
        `NotFoundError` if the song is gone, and `TransientError`.
        """
        key, gone = _key(track), NotFoundError("the song is not there any more")
        with aws_errors("the provider's file could not be restored; try again", means={NO_SUCH_KEY: gone}):
            if self._client.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1).get("KeyCount"):
                return
            if source_bytes(track.edits, track.bytes) > _IN_ONE_REQUEST:
                self._restore_in_parts(track, key)
                return
            parts = parts_of_source(track.edits, track.bytes)
            body = b"".join(self._read(track, part) if isinstance(part, Span) else part for part in parts)
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=track.content_type)

    def link(self, track: Track, disposition: str, ttl_s: int) -> str:
        """A link to the restored file that works from now for `ttl_s` seconds."""
        with aws_errors("the link to the provider's file could not be signed"):
            return self._client.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._bucket,
                    "Key": _key(track),
                    "ResponseContentType": track.content_type,
                    "ResponseContentDisposition": disposition,
                },
                ExpiresIn=ttl_s,
            )

    def forget(self, job_id: str) -> None:
        """Delete every restored file of a job; raises `TransientError`."""
        delete_below(self._client, self._bucket, f"originals/{job_id}/")

    def _restore_in_parts(self, track: Track, key: str) -> None:
        to = self._client.create_multipart_upload(Bucket=self._bucket, Key=key, ContentType=track.content_type)
        with _Upload(self._client, self._bucket, key, to["UploadId"]) as upload:
            for part in _parts(track):
                if isinstance(part, Span):
                    upload.copy(track.object_key, part)
                else:
                    upload.put(b"".join(self._read(track, each) if isinstance(each, Span) else each for each in part))

    def _read(self, track: Track, span: Span) -> bytes:
        stored = self._client.get_object(Bucket=self._bucket, Key=track.object_key, Range=_range(span))
        return stored["Body"].read()


@dataclass
class _Upload:
    """An upload in parts, which are numbered as they come. It is the object once the block ends, and nothing if that
    raises.
    """

    client: "S3Client"
    bucket: str
    key: str
    id: str
    parts: list["CompletedPartTypeDef"] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=self.key, UploadId=self.id)
            return
        self.client.complete_multipart_upload(
            Bucket=self.bucket, Key=self.key, UploadId=self.id, MultipartUpload={"Parts": self.parts}
        )

    @property
    def _next(self) -> int:
        return len(self.parts) + 1

    def put(self, body: bytes) -> None:
        """Add bytes."""
        made = self.client.upload_part(
            Bucket=self.bucket, Key=self.key, UploadId=self.id, PartNumber=self._next, Body=body
        )
        self.parts.append({"ETag": made["ETag"], "PartNumber": self._next})

    def copy(self, source_key: str, span: Span) -> None:
        """Add a span of another object."""
        made = self.client.upload_part_copy(
            Bucket=self.bucket,
            Key=self.key,
            UploadId=self.id,
            PartNumber=self._next,
            CopySource={"Bucket": self.bucket, "Key": source_key},
            CopySourceRange=_range(span),
        )
        self.parts.append({"ETag": made["CopyPartResult"]["ETag"], "PartNumber": self._next})


def _parts(track: Track) -> Iterator[Span | list[Span | bytes]]:
    """The provider's file in parts of at least `_SMALLEST_PART` bytes, but for the last: a span that S3 copies, or
    small pieces that are read and put together.
    """
    small: list[Span | bytes] = []
    size = 0
    for piece in parts_of_source(track.edits, track.bytes):
        if isinstance(piece, bytes):
            small.append(piece)
            size += len(piece)
            continue
        taken = min(piece.length, _SMALLEST_PART - size) if small else 0
        if taken:
            small.append(Span(piece.at, taken))
            size += taken
        if size >= _SMALLEST_PART:
            yield small
            small, size = [], 0
        left = Span(piece.at + taken, piece.length - taken)
        if left.length >= _SMALLEST_PART:
            yield left
        elif left.length:
            small.append(left)
            size += left.length
    if small:
        yield small


def _key(track: Track) -> str:
    return f"originals/{track.object_key.removeprefix('tracks/')}"


def _range(span: Span) -> str:
    return f"bytes={span.at}-{span.at + span.length - 1}"
