"""The finished songs in S3 to measure, and their waveforms beside them."""

from typing import IO, TYPE_CHECKING, Final

from fermata.adapters.aws_errors import NO_SUCH_KEY, aws_errors
from fermata.adapters.s3.folders import delete_below
from fermata.domain.audio.sound import PEAKS_SUFFIX, PEAKS_TYPE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_READ_BYTES: Final = 1024 * 1024


class S3SoundFiles:
    """`SoundFiles` over one bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def fetch(self, object_key: str, into: IO[bytes]) -> bool:
        """Copy a song to an open file in constant memory; False if it is gone."""
        with aws_errors("the song could not be read", NO_SUCH_KEY):
            stored = self._client.get_object(Bucket=self._bucket, Key=object_key)
            for chunk in stored["Body"].iter_chunks(_READ_BYTES):
                into.write(chunk)
            return True
        return False

    def put_peaks(self, object_key: str, peaks: bytes) -> None:
        """Store a waveform."""
        with aws_errors("the waveform could not be stored"):
            self._client.put_object(Bucket=self._bucket, Key=object_key, Body=peaks, ContentType=PEAKS_TYPE)

    def forget_peaks(self, job_id: str) -> None:
        """Delete every waveform of a job."""
        delete_below(self._client, self._bucket, f"tracks/{job_id}/", PEAKS_SUFFIX)
