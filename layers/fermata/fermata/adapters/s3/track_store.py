"""Finished songs in S3, and signed links to them."""

import re
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fermata.adapters.aws_errors import NO_SUCH_KEY, aws_errors
from fermata.adapters.s3.folders import delete_below
from fermata.adapters.spliced import SplicedFile
from fermata.domain.audio.container import CONTAINERS
from fermata.domain.audio.marks import Part
from fermata.domain.jobs.songs import WEBVTT_TYPE, Track

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef

_SONG: Final = re.compile(r"(?P<number>[0-9]+)(-[0-9a-f]+)?\.(" + "|".join(each.extension for each in CONTAINERS) + ")")


class S3TrackStore:
    """`TrackStore` over one bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, object_key: str, path: Path, content_type: str, sha256: str, parts: Sequence[Part] = ()) -> None:
        """Store a file, or `parts` of it and other bytes, of at most 5 GB (no song is larger than 256 MiB) in one
        request that names its SHA-256 in hexadecimal digits. S3 refuses another file, so a disk that changed a byte
        costs a try and never a song.
        """
        checksum = b64encode(bytes.fromhex(sha256)).decode()
        with aws_errors("the song could not be stored"), path.open("rb") as file:
            self._client.put_object(
                Bucket=self._bucket,
                Key=object_key,
                Body=SplicedFile(file, parts) if parts else file,  # type: ignore[arg-type] # all that the SDK uses of a file
                ContentType=content_type,
                ChecksumSHA256=checksum,
            )

    def forget(self, job_id: str) -> None:
        """Delete every song of a job."""
        delete_below(self._client, self._bucket, f"tracks/{job_id}/")

    def stored(self, job_id: str) -> dict[int, str]:
        """The keys of a job's songs, by number, the latest of each: signed songs have keys of their own."""
        found: dict[int, str] = {}
        with aws_errors("the job's songs could not be listed"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=f"tracks/{job_id}/"
            )
            objects = [stored for page in pages for stored in page.get("Contents", [])]
        for stored in sorted(objects, key=lambda each: each["LastModified"]):
            if name := _SONG.fullmatch(stored["Key"].rpartition("/")[2]):
                found[int(name["number"])] = stored["Key"]
        return found

    def take(self, object_key: str, job_id: str, attempt: int, content_type: str) -> bool:
        """Copy an attempt's staged song within the bucket, in one request, without what is noted on it; False if it is
        gone.
        """
        copy: CopySourceTypeDef = {"Bucket": self._bucket, "Key": f"staging/{job_id}/{attempt}"}
        with aws_errors("the song could not be copied from staging", NO_SUCH_KEY):
            self._client.copy_object(
                Bucket=self._bucket,
                Key=object_key,
                CopySource=copy,
                ContentType=content_type,
                MetadataDirective="REPLACE",
            )
            return True
        return False

    def stage(self, object_key: str, job_id: str, attempt: int, number: int) -> None:
        """Copy a song within the bucket, in one request."""
        copy: CopySourceTypeDef = {"Bucket": self._bucket, "Key": object_key}
        with aws_errors("the song could not be copied to staging"):
            self._client.copy_object(
                Bucket=self._bucket, Key=f"staging/{job_id}/{attempt}.file.{number}", CopySource=copy
            )

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
