"""A presigned link ends on the laptop when it ends on AWS, and S3's own words say so."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from botocore.config import Config
from moto import mock_aws
from werkzeug.test import create_environ

from fermata.adapters.s3.live_pieces import S3LivePieces
from local.emulator.s3.presigned_links import refused_link
from tests.support.cloud import BUCKET, session

SIGNED_AT = datetime(2026, 11, 30, 12, 0, 0, tzinfo=UTC)
QUERY = {
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": "AKIA/20261130/eu-west-1/s3/aws4_request",
    "X-Amz-Date": "20261130T120000Z",
    "X-Amz-Expires": "900",
    "X-Amz-SignedHeaders": "host",
    "X-Amz-Signature": "0" * 64,
}


def asked(query: dict[str, str], after_s: float = 0.0) -> tuple[int, str] | None:
    environ: Any = create_environ(f"/bucket/songs/1.mp3?{urlencode(query)}")
    answer = refused_link(environ, SIGNED_AT + timedelta(seconds=after_s))
    return None if answer is None else (answer.status_code, answer.get_data(as_text=True))


@pytest.mark.parametrize("after_s", [-60, 0, 899.999])
def test_a_link_passes_until_its_last_moment(after_s: float) -> None:
    assert asked(QUERY, after_s) is None


@pytest.mark.parametrize("after_s", [900, 900.001, 86400])
def test_a_link_that_has_ended_is_refused_with_the_times(after_s: float) -> None:
    now = (SIGNED_AT + timedelta(seconds=after_s)).strftime("%Y-%m-%dT%H:%M:%SZ")
    error = "<Code>AccessDenied</Code><Message>Request has expired</Message><X-Amz-Expires>900</X-Amz-Expires>"
    times = f"<Expires>2026-11-30T12:15:00Z</Expires><ServerTime>{now}</ServerTime>"
    document = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{error}{times}</Error>'
    assert asked(QUERY, after_s) == (403, document)


def test_a_link_of_the_older_signature_ends_as_well() -> None:
    query = {"AWSAccessKeyId": "a", "Signature": "b", "Expires": str(int(SIGNED_AT.timestamp()) + 60)}
    assert asked(query, 59) is None
    answer = asked(query, 60)
    assert answer is not None
    assert (answer[0], "Request has expired" in answer[1]) == (403, True)
    assert "Invalid date" in str(asked({**query, "Expires": "soon"}))
    assert "Invalid date" in str(asked({**query, "Expires": "9" * 30}))


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"X-Amz-Expires": "604801"}, "less than a week"),
        ({"X-Amz-Expires": "-1"}, "should be a number"),
        ({"X-Amz-Expires": "soon"}, "should be a number"),
        ({"X-Amz-Expires": "٩"}, "should be a number"),
        ({"X-Amz-Date": "2026-11-30T12:00:00Z"}, "ISO8601 Long Format"),
        *(
            ({name: None}, "Query-string authentication version 4 requires")
            for name in QUERY
            if name != "X-Amz-Algorithm"
        ),
    ],
)
def test_a_link_with_a_bad_or_missing_parameter_is_refused(changes: dict[str, str | None], found: str) -> None:
    query = {name: value for name, value in {**QUERY, **changes}.items() if value is not None}
    answer = asked(query)
    assert answer is not None
    assert (answer[0], "AuthorizationQueryParametersError" in answer[1], found in answer[1]) == (400, True, True)


@pytest.mark.parametrize("query", [{}, {"list-type": "2"}, {"X-Amz-Expires": "1"}, {"uploads": ""}])
def test_a_request_that_is_no_presigned_link_is_not_looked_at(query: dict[str, str]) -> None:
    assert asked(query, 10**6) is None


def test_a_link_that_is_signed_as_fermata_signs_has_the_life_that_it_was_given() -> None:
    signing = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
    with mock_aws():
        url = S3LivePieces(session().client("s3", config=signing), BUCKET).link("job", 1, 1, 60)
    query = dict(parse_qsl(urlsplit(url).query))
    assert query["X-Amz-Expires"] == "60"
    signed_at = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    environ: Any = create_environ(f"/a?{urlsplit(url).query}")
    assert refused_link(environ, signed_at + timedelta(seconds=59)) is None
    assert refused_link(environ, signed_at + timedelta(seconds=60)) is not None
