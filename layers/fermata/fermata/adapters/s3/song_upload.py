"""A song, sent to S3 in one request that the SDK may repeat, because it reads a file."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fermata.adapters.spliced import SplicedFile
from fermata.domain.audio.marks import Part

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


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
    with path.open("rb") as file:
        client.put_object(
            Bucket=bucket,
            Key=key,
            Body=SplicedFile(file, parts) if parts else file,  # type: ignore[arg-type] # all that the SDK uses of a file
            ContentType=content_type,
            ChecksumSHA256=b64encode(bytes.fromhex(sha256)).decode(),
            Metadata=metadata or {},
        )
