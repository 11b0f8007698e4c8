"""Songs as bodies of requests to S3, read from disk while they are sent."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from fermata.adapters.spliced import SplicedFile
from fermata.domain.audio.marks import Part

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import BlobTypeDef

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


def body_of(file: BinaryIO, parts: Sequence[Part]) -> "BlobTypeDef":
    """The body that is a file, or `parts` whose spans are of that file."""
    # It has all that the SDK uses of a file.
    return cast("BlobTypeDef", _InBlocks(SplicedFile(file, parts) if parts else file))
