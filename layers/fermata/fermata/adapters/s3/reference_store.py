"""Reference recordings in S3 under `references/<tenant>/`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fermata.adapters.aws_errors import NO_SUCH_KEY, aws_errors
from fermata.adapters.s3.folders import delete_below
from fermata.ports.audio import UploadForm

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

_READ_BYTES: Final = 1024 * 1024


class S3ReferenceStore:
    """`ReferenceStore` over one bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def upload_form(self, object_key: str, content_type: str, size_bytes: int, ttl_s: int) -> UploadForm:
        """A POST form for an upload of exactly this size and media type, both enforced by S3, valid for `ttl_s`
        seconds.

        It is no presigned PUT, because that cannot bound the size.
        """
        with aws_errors("the upload could not be signed"):
            signed = self._client.generate_presigned_post(
                self._bucket,
                object_key,
                Fields={"Content-Type": content_type},
                Conditions=[{"Content-Type": content_type}, ["content-length-range", size_bytes, size_bytes]],
                ExpiresIn=ttl_s,
            )
        return UploadForm(signed["url"], signed["fields"])

    def size(self, object_key: str) -> int | None:
        """The file's size in bytes, or None. It comes from the bucket's listing, which needs no right to read
        the file.
        """
        with aws_errors("the reference could not be looked up"):
            found = self._client.list_objects_v2(Bucket=self._bucket, Prefix=object_key, MaxKeys=1)
        sizes = {each["Key"]: each["Size"] for each in found.get("Contents", [])}
        return sizes.get(object_key)

    def open(self, object_key: str) -> Iterator[bytes] | None:
        """The file's bytes in chunks, or None where it does not exist."""
        with aws_errors("the reference could not be opened", NO_SUCH_KEY):
            return _chunks(self._client.get_object(Bucket=self._bucket, Key=object_key)["Body"])
        return None

    def put(self, object_key: str, path: Path, content_type: str) -> None:
        """Store a file in one request, streamed from disk."""
        with aws_errors("the reference could not be stored"), path.open("rb") as file:
            self._client.put_object(Bucket=self._bucket, Key=object_key, Body=file, ContentType=content_type)

    def forget(self, begins_with: str) -> None:
        """Delete every file whose key begins with this prefix."""
        delete_below(self._client, self._bucket, begins_with)

    def link(self, object_key: str, ttl_s: int) -> str:
        """A link that is valid for `ttl_s` seconds, but not beyond the function's own credentials."""
        with aws_errors("the reference's link could not be signed"):
            return self._client.generate_presigned_url(
                "get_object", Params={"Bucket": self._bucket, "Key": object_key}, ExpiresIn=ttl_s
            )


def _chunks(body: "StreamingBody") -> Iterator[bytes]:
    with aws_errors("the reference could not be read"):
        yield from body.iter_chunks(_READ_BYTES)
