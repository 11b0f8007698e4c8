"""S3: the rights of a request by its method, its address and its parameters.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from local.iam.decision import Need
from local.iam.patterns import Values

_OF_OBJECTS: Final = {
    ("GET", ""): "GetObject",
    ("HEAD", ""): "GetObject",
    ("PUT", ""): "PutObject",
    ("DELETE", ""): "DeleteObject",
    ("POST", "uploads"): "PutObject",
    ("PUT", "uploadId"): "PutObject",
    ("POST", "uploadId"): "PutObject",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("GET", "uploadId"): "ListMultipartUploadParts",
    ("GET", "tagging"): "GetObjectTagging",
    ("PUT", "tagging"): "PutObjectTagging",
    ("DELETE", "tagging"): "DeleteObjectTagging",
}
_OF_BUCKETS: Final = {
    ("GET", ""): "ListBucket",
    ("HEAD", ""): "ListBucket",
    ("GET", "uploads"): "ListBucketMultipartUploads",
    ("GET", "versions"): "ListBucketVersions",
    ("GET", "location"): "GetBucketLocation",
}
_WITH_VERSIONS: Final = frozenset({"GetObject", "DeleteObject", "GetObjectTagging"})
_SUBRESOURCES: Final = frozenset(
    {
        "accelerate", "acl", "analytics", "attributes", "cors", "delete", "encryption", "intelligent-tiering",
        "inventory", "legal-hold", "lifecycle", "location", "logging", "metrics", "notification", "object-lock",
        "ownershipControls", "policy", "policyStatus", "publicAccessBlock", "replication", "requestPayment", "restore",
        "retention", "select", "tagging", "torrent", "uploadId", "uploads", "versioning", "versions", "website",
    }
)  # fmt: skip
_CONDITIONS: Final = ("prefix", "delimiter", "max-keys")


def needs_of(environ: Mapping[str, Any]) -> tuple[Need, ...] | None:
    """Return the rights that a request needs, None for one that is not known here."""
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    bucket, key = bucket_and_key(environ)
    method = environ["REQUEST_METHOD"]
    if not bucket:
        return (Need("s3:ListAllMyBuckets", "*"),) if method == "GET" else None
    subresources = _SUBRESOURCES & query.keys()
    if len(subresources) > 1:
        return None
    known = _OF_OBJECTS if key else _OF_BUCKETS
    action = known.get((method, next(iter(subresources), "")))
    if action is None:
        return None
    if not key:
        return (Need(f"s3:{action}", arn_of_object(bucket), _listing(query)),)
    return (_of_object(action, bucket, key, query.get("versionId")), *_of_headers(environ, bucket, key))


def form_needs(environ: Mapping[str, Any], key: str) -> tuple[Need, ...]:
    """Return the rights of a form that uploads an object under a key."""
    return (Need("s3:PutObject", arn_of_object(bucket_and_key(environ)[0], key)),)


def to_tell_what_is_missing(environ: Mapping[str, Any]) -> Need:
    """Return the right without which S3 answers 403, and not 404, where an object is not there."""
    return Need("s3:ListBucket", arn_of_object(bucket_and_key(environ)[0]))


def bucket_and_key(environ: Mapping[str, Any]) -> tuple[str, str]:
    """Return the bucket and the key of a request, either of which may be empty."""
    # A WSGI server hands over the bytes of a path as Latin-1.
    path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    bucket, _, key = path.removeprefix("/").partition("/")
    return bucket, key


def arn_of_object(bucket: str, key: str = "") -> str:
    """Return the ARN of an object, or of a bucket."""
    return f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"


def _of_object(action: str, bucket: str, key: str, version: str | None) -> Need:
    if version is None or action not in _WITH_VERSIONS:
        return Need(f"s3:{action}", arn_of_object(bucket, key))
    context: dict[str, Values] = {"s3:versionid": (version,)}
    with_version = action.replace("Object", "ObjectVersion")
    return Need(f"s3:{with_version}", arn_of_object(bucket, key), context)


def _of_headers(environ: Mapping[str, Any], bucket: str, key: str) -> tuple[Need, ...]:
    """What an upload needs beside the right to write: to read what it copies, to tag, to open to others."""
    if environ["REQUEST_METHOD"] not in {"PUT", "POST"}:
        return ()
    needs = []
    if copied := environ.get("HTTP_X_AMZ_COPY_SOURCE"):
        path, _, version = unquote(copied).partition("?versionId=")
        source, _, name = path.removeprefix("/").partition("/")
        needs.append(_of_object("GetObject", source, name, version or None))
    if environ.get("HTTP_X_AMZ_TAGGING"):
        needs.append(Need("s3:PutObjectTagging", arn_of_object(bucket, key)))
    if environ.get("HTTP_X_AMZ_ACL"):
        needs.append(Need("s3:PutObjectAcl", arn_of_object(bucket, key)))
    return tuple(needs)


def _listing(query: Mapping[str, str]) -> dict[str, Values]:
    return {f"s3:{name}": (query[name],) for name in _CONDITIONS if name in query}
