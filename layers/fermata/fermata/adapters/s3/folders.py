"""Deletes everything under a prefix of a bucket. Each call is idempotent: a retry deletes the rest."""

from typing import TYPE_CHECKING

from fermata.adapters.aws_errors import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def delete_below(client: "S3Client", bucket: str, prefix: str, suffix: str = "") -> None:
    """Delete every object whose key begins with `prefix` and ends with `suffix`; raises `TransientError` where some may
    be left.
    """
    with aws_errors("the job's files could not be deleted; try again"):
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for stored in page.get("Contents", []):
                if stored["Key"].endswith(suffix):
                    client.delete_object(Bucket=bucket, Key=stored["Key"])


def abort_uploads_below(client: "S3Client", bucket: str, prefix: str) -> None:
    """Abort every unfinished upload to a key that begins with `prefix`; raises `TransientError` where some may
    be left.
    """
    with aws_errors("a cut upload could not be aborted; try again"):
        for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix):
            for upload in page.get("Uploads", []):
                client.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
