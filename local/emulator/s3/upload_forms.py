"""S3's check of a form upload against the policy in the form, which moto does not have.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html. The signature is not
checked, because only the laptop's functions know their random credentials.
"""

import base64
import binascii
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from local.emulator.s3.refusal import refusal

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_FILE: Final = "file"
_NEEDS_NO_CONDITION: Final = frozenset({"awsaccesskeyid", "policy", "signature", "x-amz-signature"})


class UploadRefused(Exception):  # noqa: N818 - S3's answer on its way out
    """S3's answer to an upload that violates its form's policy."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code, self.message = status, code, message
        super().__init__(message)


def is_upload_form(environ: "WSGIEnvironment") -> bool:
    """Whether a request is a form that uploads a file to S3."""
    content_type: str = environ.get("CONTENT_TYPE", "")
    return bool(environ["REQUEST_METHOD"] == "POST") and content_type.startswith("multipart/form-data")


def refused_upload(environ: "WSGIEnvironment", now: datetime) -> Response | None:
    """S3's refusal of a form that violates its policy, None for a valid form; the body stays readable."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    bucket = environ["PATH_INFO"].strip("/").partition("/")[0]
    try:
        fields, size_bytes = _read({**environ, "wsgi.input": io.BytesIO(body)})
        check_upload({**fields, "bucket": bucket}, size_bytes, now)
    except UploadRefused as refused:
        return refusal(refused.status, refused.code, refused.message)
    return None


def form_fields(environ: "WSGIEnvironment") -> dict[str, str]:
    """Return the fields of an upload's form with lower-case names, `key` always among them; the body stays readable.
    None of them where the form is not well-formed.
    """
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    try:
        fields, _ = _read({**environ, "wsgi.input": io.BytesIO(body)})
    except UploadRefused:
        fields = {}
    return {"key": "", **fields}


def check_upload(fields: Mapping[str, str], size_bytes: int, now: datetime) -> None:
    """Raise `UploadRefused` where the form's fields or the size of its file violate its policy. `fields` has lower-case
    names and includes the bucket.
    """
    policy = _policy_in(fields)
    if datetime.fromisoformat(policy["expiration"]) <= now:
        raise _denied("Invalid according to Policy: Policy expired.")
    named = {"bucket"}
    for condition in policy["conditions"]:
        match [*condition.items()] if isinstance(condition, dict) else condition:
            case ["content-length-range", int(least), int(most)]:
                _check_size(size_bytes, least, most)
            case [(str(name), str(value))] | ["eq", str(name), str(value)]:
                named.add(_check(fields, name, value, condition, is_prefix=False))
            case ["starts-with", str(name), str(value)]:
                named.add(_check(fields, name, value, condition, is_prefix=True))
            case _:
                raise _denied("Invalid Policy: Invalid JSON.")
    extra = sorted(set(fields) - named - _NEEDS_NO_CONDITION)
    extra = [name for name in extra if not name.startswith("x-ignore-")]
    if extra:
        raise _denied(f"Invalid according to Policy: Extra input fields: {', '.join(extra)}")


def _read(environ: Mapping[str, Any]) -> tuple[dict[str, str], int]:
    try:
        with Request(dict(environ)) as request:
            fields = {name.lower(): value for name, value in request.form.items() if name.lower() != _FILE}
            file = request.files.get(_FILE)
            content = file.read() if file is not None else request.form.get(_FILE, "").encode()
    except (HTTPException, ValueError):
        raise UploadRefused(400, "MalformedPOSTRequest", "The body of your POST request is not well-formed.") from None
    return fields, len(content)


def _policy_in(fields: Mapping[str, str]) -> dict[str, Any]:
    if "policy" not in fields:
        raise _denied("Access Denied")
    try:
        policy = json.loads(base64.b64decode(fields["policy"], validate=True))
        if isinstance(policy["expiration"], str) and isinstance(policy["conditions"], list):
            datetime.fromisoformat(policy["expiration"]).astimezone(UTC)
            return dict(policy)
    except (binascii.Error, ValueError, KeyError, TypeError):
        pass
    raise UploadRefused(400, "InvalidPolicyDocument", "Invalid Policy: Invalid JSON.")


def _check(fields: Mapping[str, str], name: str, value: str, condition: object, *, is_prefix: bool) -> str:
    name = name.removeprefix("$").lower()
    found = fields.get(name)
    if found is None or not (found.startswith(value) if is_prefix else found == value):
        raise _denied(f"Invalid according to Policy: Policy Condition failed: {json.dumps(condition)}")
    return name


def _check_size(size_bytes: int, least: int, most: int) -> None:
    if size_bytes > most:
        raise UploadRefused(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
    if size_bytes < least:
        raise UploadRefused(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")


def _denied(message: str) -> UploadRefused:
    return UploadRefused(403, "AccessDenied", message)
