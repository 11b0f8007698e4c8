"""A song, sent to S3 in one request that the SDK may repeat, because it reads a file."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from fermata.adapters.spliced import SplicedFile
from fermata.domain.audio.marks import Part

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_BLOCK_BYTES: Final = 256 * 1024
"""What is read and sent at once. The SDK's HTTP client asks for 16 KiB, sixteen times as many calls of the system."""


class _InBlocks:
    """A file for the SDK, which sends whatever a read returns."""

    def __init__(self, file: BinaryIO | SplicedFile) -> None:
        self._file = file
        self.seek = file.seek
        self.tell = file.tell

    def read(self, size: int = -1) -> bytes:
        """At least `size` bytes, unless the file ends; all of them without a size."""
        return self._file.read(max(size, _BLOCK_BYTES) if size >= 0 else -1)


def put_song(
    client: "S3Client",
    where: tuple[str, str],
    path: Path,
    sha256: str,
    content_type: str,
    parts: Sequence[Part] = (),
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Store a file, or `parts` of it and other bytes, of at most 5 GB (no song is larger than 256 MiB) in the bucket
    and under the key `where`. The request names its SHA-256 in hexadecimal digits: S3 refuses another file, so a disk
    that changed a byte costs a try and never a song. Raises what the SDK raises.
    """
    bucket, key = where
    with path.open("rb", buffering=0) as file:
        client.put_object(
            Bucket=bucket,
            Key=key,
            Body=_InBlocks(SplicedFile(file, parts) if parts else file),  # type: ignore[arg-type] # all that the SDK uses of a file
            ContentType=content_type,
            ChecksumSHA256=b64encode(bytes.fromhex(sha256)).decode(),
            Metadata=metadata or {},
        )
