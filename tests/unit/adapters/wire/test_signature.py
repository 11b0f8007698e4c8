"""A request has the signature that botocore gives it."""

from datetime import UTC, datetime

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoresCredentials
from botocore.exceptions import NoCredentialsError
from hypothesis import given
from hypothesis import strategies as st

from fermata.adapters.wire.signature import Credentials, Request, Service, credentials, host_of, signed

TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
NAMES = st.sampled_from(("Content-Type", "X-Amz-Target", "amz-sdk-request", "User-Agent", "X-Amzn-Trace-Id", "x-a-b"))
HEADERS = st.dictionaries(NAMES, st.one_of(TEXT, st.just("a  b ;c")))
URLS = st.sampled_from(
    ("https://dynamodb.eu-west-1.amazonaws.com/", "http://127.0.0.1:8000/", "https://Host:443", "http://[::1]:80/")
)
MOMENTS = st.datetimes(timezones=st.just(UTC)).filter(lambda at: at.year >= 1000)
KEYS = st.builds(Credentials, TEXT, TEXT, st.one_of(st.none(), TEXT))


@given(keys=KEYS, url=URLS, headers=HEADERS, body=st.binary(max_size=50), region=TEXT, now=MOMENTS)
def test_any_request_is_signed_as_by_botocore(
    keys: Credentials, url: str, headers: dict[str, str], body: bytes, region: str, now: datetime
) -> None:
    theirs = AWSRequest("POST", url, data=body, headers=headers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auth, "get_current_datetime", lambda *_: now.replace(tzinfo=None))
        auth.SigV4Auth(BotocoresCredentials(*keys), "dynamodb", region).add_auth(theirs)

    mine = signed(Request("POST", url, headers, body), keys, Service(region, "dynamodb"), now)

    assert dict(mine.headers) == {name: value for name, value in theirs.headers.items() if name != "Content-Length"}
    assert (mine.method, mine.url, mine.body) == ("POST", url, body)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://a.example/", "a.example"),
        ("https://a.example:443/b", "a.example"),
        ("http://a.example:443/b", "a.example:443"),
        ("http://[::1]:80/", "[::1]"),
        ("http://[::1]:81/", "[::1]:81"),
    ],
)
def test_a_host_is_named_as_the_request_names_it(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_credentials_that_are_not_whole_are_none(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "")
    assert credentials() == Credentials("a", "b", None)
    monkeypatch.delenv(missing)

    with pytest.raises(NoCredentialsError):
        credentials()
