"""Finished songs in S3, and signed links to them."""

from pathlib import Path
from typing import TYPE_CHECKING

from fermata.adapters.aws_errors import aws_errors
from fermata.adapters.s3.folders import delete_below
from fermata.domain.jobs.songs import WEBVTT_TYPE, Track

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3TrackStore:
    """`TrackStore` over one bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, object_key: str, path: Path, content_type: str) -> None:
        """Store a file of at most 5 GB in one request, streamed from disk."""
        with aws_errors("the song could not be stored"), path.open("rb") as file:
            self._client.put_object(Bucket=self._bucket, Key=object_key, Body=file, ContentType=content_type)

    def forget(self, job_id: str) -> None:
        """Delete every song of a job."""
        delete_below(self._client, self._bucket, f"tracks/{job_id}/")

    def link(self, track: Track, disposition: str, ttl_s: int) -> str:
        """A link that is valid for `ttl_s` seconds and downloads the track with this `Content-Disposition`."""
        return self._signed(track.object_key, track.content_type, disposition, ttl_s)

    def link_beside(self, object_key: str, disposition: str, ttl_s: int) -> str:
        """The same for a file beside the track: WebVTT where the key ends in `.vtt`, else JSON."""
        content_type = WEBVTT_TYPE if object_key.endswith(".vtt") else "application/json"
        return self._signed(object_key, content_type, disposition, ttl_s)

    def _signed(self, object_key: str, content_type: str, disposition: str, ttl_s: int) -> str:
        with aws_errors("the song's link could not be signed"):
            return self._client.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._bucket,
                    "Key": object_key,
                    "ResponseContentType": content_type,
                    "ResponseContentDisposition": disposition,
                },
                ExpiresIn=ttl_s,
            )
