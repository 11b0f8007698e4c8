"""The pieces of live songs in S3, as `live/<job id>/<attempt>/<number>.mp3`."""

from typing import TYPE_CHECKING

from fermata.adapters.aws_errors import aws_errors
from fermata.adapters.s3.folders import delete_below
from fermata.domain.audio.container import MP3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3LivePieces:
    """`LivePieces` over one bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, job_id: str, attempt: int, number: int, file: bytes) -> None:
        """Store one piece; raises `TransientError`."""
        key = _key(job_id, attempt, number)
        with aws_errors("a piece of a live song could not be stored"):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=file, ContentType=MP3.content_type)

    def link(self, job_id: str, attempt: int, number: int, ttl_s: int) -> str:
        """A link that works from now for `ttl_s` seconds; raises `TransientError`."""
        where = {"Bucket": self._bucket, "Key": _key(job_id, attempt, number)}
        with aws_errors("the link to a piece of a live song could not be signed"):
            return self._client.generate_presigned_url("get_object", Params=where, ExpiresIn=ttl_s)

    def forget(self, job_id: str) -> None:
        """Delete every piece of a job; raises `TransientError`."""
        delete_below(self._client, self._bucket, f"live/{job_id}/")


def _key(job_id: str, attempt: int, number: int) -> str:
    return f"live/{job_id}/{attempt}/{number}.mp3"
