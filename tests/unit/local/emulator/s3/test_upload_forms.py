"""An upload by form is what its policy allows, or S3's own refusal; the laptop's S3 is as strict."""

import base64
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws
from werkzeug.test import EnvironBuilder

from fermata.adapters.s3.reference_store import S3ReferenceStore
from local.emulator.s3.upload_forms import UploadRefused, check_upload, is_upload_form, refused_upload
from tests.support.cloud import BUCKET, s3_with_bucket

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
KEY = "references/acme/ref_01JD0ABCDEFGHJKMNPQRSTVWXY"
AUDIO = b"ID3" + bytes(997)
HTML = b"<html>no song</html>"


@pytest.fixture
def form() -> Iterator[dict[str, str]]:
    """The fields that Fermata gives out for 1,000 bytes of MP3; botocore's clock is the machine's."""
    with mock_aws():
        yield dict(S3ReferenceStore(s3_with_bucket(), BUCKET).upload_form(KEY, "audio/mpeg", 1000, 3600).fields)


def posted(fields: dict[str, str], file: bytes, part_type: str = "audio/mpeg", bucket: str = BUCKET) -> Any:  # noqa: ANN401
    data = {**fields, "file": (io.BytesIO(file), "recording", part_type)}
    builder = EnvironBuilder(f"/{bucket}", method="POST", data=data)
    try:
        return builder.get_environ()
    finally:
        builder.close()


def answer(environ: "WSGIEnvironment", later: timedelta = timedelta()) -> tuple[int, str] | None:
    refusal = refused_upload(environ, datetime.now(UTC) + later)
    return None if refusal is None else (refusal.status_code, refusal.get_data(as_text=True))


def test_a_file_of_the_announced_type_and_size_passes_and_can_be_read_by_s3(form: dict[str, str]) -> None:
    environ = posted(form, AUDIO)
    assert is_upload_form(environ)
    assert answer(environ) is None
    assert AUDIO in environ["wsgi.input"].read()


@pytest.mark.parametrize(
    ("changes", "file", "status", "found"),
    [
        pytest.param({"Content-Type": "text/html"}, AUDIO, 403, "Policy Condition failed", id="html"),
        pytest.param({"Content-Type": "audio/wav"}, AUDIO, 403, "Policy Condition failed", id="another_type"),
        pytest.param({"Content-Type": None}, AUDIO, 403, "Policy Condition failed", id="no_type"),
        pytest.param({"key": KEY + "X"}, AUDIO, 403, "Policy Condition failed", id="another_key"),
        pytest.param({"x-amz-meta-a": "b"}, AUDIO, 403, "Extra input fields: x-amz-meta-a", id="a_field_more"),
        pytest.param({"policy": None}, AUDIO, 403, "Access Denied", id="no_policy"),
        pytest.param({"policy": "nonsense!"}, AUDIO, 400, "Invalid JSON", id="a_policy_of_nonsense"),
        pytest.param({"policy": base64.b64encode(b"[]").decode()}, AUDIO, 400, "Invalid JSON", id="a_list"),
        pytest.param({}, AUDIO + b"!", 400, "EntityTooLarge", id="a_byte_more"),
        pytest.param({}, AUDIO[:-1], 400, "EntityTooSmall", id="a_byte_less"),
        pytest.param({}, b"", 400, "EntityTooSmall", id="empty"),
        pytest.param({}, HTML, 400, "EntityTooSmall", id="another_file"),
    ],
)
def test_anything_else_is_refused_as_s3_does(
    form: dict[str, str], changes: dict[str, str | None], file: bytes, status: int, found: str
) -> None:
    fields = {name: value for name, value in {**form, **changes}.items() if value is not None}
    told = answer(posted(fields, file))
    assert told is not None
    assert (told[0], found in told[1]) == (status, True), told


def test_a_form_for_another_bucket_is_refused(form: dict[str, str]) -> None:
    told = answer(posted(form, AUDIO, bucket="another"))
    assert told is not None
    assert told[0] == 403


def test_a_form_that_is_over_is_refused(form: dict[str, str]) -> None:
    told = answer(posted(form, AUDIO), later=timedelta(seconds=3601))
    assert told is not None
    assert (told[0], "Policy expired" in told[1]) == (403, True)


def test_the_type_of_the_part_says_nothing(form: dict[str, str]) -> None:
    assert answer(posted(form, AUDIO, part_type="text/html")) is None


def test_a_body_that_is_no_form_is_refused(form: dict[str, str]) -> None:
    environ = posted(form, AUDIO)
    environ["CONTENT_TYPE"] = "multipart/form-data"
    told = answer(environ)
    assert told is not None
    assert "MalformedPOSTRequest" in told[1] or told[0] == 403


def test_other_requests_are_no_upload_forms() -> None:
    for method, content_type in (("PUT", "multipart/form-data; boundary=x"), ("POST", "application/xml")):
        assert not is_upload_form({"REQUEST_METHOD": method, "CONTENT_TYPE": content_type})
    assert not is_upload_form({"REQUEST_METHOD": "POST"})


def policy(*conditions: object) -> str:
    told = {"expiration": (NOW + timedelta(hours=1)).isoformat(), "conditions": conditions}
    return base64.b64encode(json.dumps(told).encode()).decode()


def test_each_kind_of_condition_is_read() -> None:
    fields = {"policy": policy({"bucket": "b"}, ["starts-with", "$key", "a/"], ["eq", "$Content-Type", "audio/mpeg"])}
    check_upload({**fields, "bucket": "b", "key": "a/1", "content-type": "audio/mpeg", "x-ignore-me": "1"}, 1, NOW)
    with pytest.raises(UploadRefused):
        check_upload({**fields, "bucket": "b", "key": "b/1", "content-type": "audio/mpeg"}, 1, NOW)


@pytest.mark.parametrize("condition", [[], ["eq", "$key"], {"a": 1}, ["content-length-range", "1", 2], "key", {}])
def test_an_unknown_condition_lets_nothing_pass(condition: object) -> None:
    with pytest.raises(UploadRefused):
        check_upload({"policy": policy(condition), "bucket": "b"}, 1, NOW)
