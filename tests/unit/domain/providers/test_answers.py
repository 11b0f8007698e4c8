"""What all dialects share: waiting times, links, numbers, and messages that leak nothing."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from fermata.domain.providers.answers import (
    RETRY_AFTER_LIMIT_S,
    Ruling,
    failure_of,
    member,
    parse_retry_after,
    read_error_status,
    read_link,
    read_number,
    read_words,
    tidy,
)
from fermata.domain.providers.calls import UpstreamAnswer
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged, unknown_outcome

NOW = datetime(2026, 11, 21, 6, 28, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1e9", None),
        ("٣", None),
        ("0", 1),
        ("1", 1),
        (" 120 ", 120),
        ("1.2", 2),
        ("999999999999", RETRY_AFTER_LIMIT_S),
        ("9" * 400, None),
        ("Sat, 21 Nov 2026 06:28:30 GMT", 30),
        ("Saturday, 21-Nov-26 06:28:30 GMT", 30),
        ("Sat, 21 Nov 2026 07:28:30 +0100", 30),
        ("Sat, 21 Nov 2026 06:28:30 -0000", 30),
        ("Sat, 21 Nov 2026 06:00:00 GMT", 1),
        ("Sat, 21 Nov 2099 06:00:00 GMT", RETRY_AFTER_LIMIT_S),
        ("Sat, 99 Nov 2026 06:28:30 GMT", None),
        ("Sat, 21 Nov 2026 06:28:30 +9999999999999999999", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(value: str | None, seconds: int | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


@given(st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_retry_after_gives_a_usable_wait_or_none(value: str) -> None:
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or 1 <= seconds <= RETRY_AFTER_LIMIT_S


@pytest.mark.parametrize(
    "secret",
    [
        "sk-api-0123456789abcdef",
        "sk_live_0a1b2c3d4e",
        "fk_9f8e7d6c5b4a",
        "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJHcm91cCI6MX0.c2ln-bmF0dXJl",
        "0123456789abcdef0123456789abcdef",
    ],
)
@pytest.mark.parametrize(
    "around", ["invalid api key {}", "Authorization: Bearer {} refused", "key={}.", "'{}'", "https://a.b/c?sig={}&x=1"]
)
def test_a_key_in_a_providers_text_is_not_repeated(secret: str, around: str) -> None:
    assert secret not in tidy(around.format(secret))
    assert secret[:12] not in tidy(around.format(secret))


def test_a_short_bearer_is_not_repeated() -> None:
    assert tidy("bad header Bearer hunter2 here") == "bad header Bearer [redacted] here"


def test_a_signed_query_string_is_not_repeated() -> None:
    assert (
        tidy("fetch https://cdn.a/x.mp3?Signature=abc&Expires=1 failed")
        == "fetch https://cdn.a/x.mp3?[redacted] failed"
    )


@pytest.mark.parametrize(
    "text",
    ["rate limit exceeded(RPM)", "invalid params, music-2.5 needs lyrics", "api_key is missing", "You've run out"],
)
def test_ordinary_words_stay(text: str) -> None:
    assert tidy(text) == text


def test_a_text_becomes_one_line_of_bounded_length() -> None:
    assert tidy("a\r\n\tb\x00\x1b[31m c\u2028d\ud800e") == "a b [31m c d e"
    assert tidy("word " * 100, 20) == "word word word wo..."


@given(st.text(st.characters(), max_size=2000), st.sampled_from(list(FailureClass)))
@settings(max_examples=100, deadline=None)
def test_any_providers_text_makes_a_failure_that_can_be_stored(text: str, failure_class: FailureClass) -> None:
    answer = UpstreamAnswer(500, text, {"requestId": text, "message": text})
    failure = failure_of(answer, Ruling(failure_class), f"expected a song, found '{read_words(text)}'")
    assert len(failure.message) <= 300
    assert Failure.model_validate_json(failure.model_dump_json()) == failure


def test_a_message_that_is_too_long_still_ends_with_what_to_do() -> None:
    failure = failure_of(UpstreamAnswer(429, "", None), Ruling(FailureClass.RATE_LIMITED), "expected " + "x" * 400)
    assert len(failure.message) == 300
    assert failure.message.endswith("x; order again later")


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0, 0),
        ("0", 0),
        (" 1002 ", 1002),
        ("-1", -1),
        (1008.0, 1008),
        ("1008.0", 1008),
        ("1.008E3", 1008),
        (" 2153.00 ", 2153),
        ("+7", 7),
        (-0.0, 0),
        (999_999_999, 999_999_999),
        (10**9, None),
        (1e300, None),
        ("1e99", None),
        (float("inf"), None),
        (float("nan"), None),
        ("nan", None),
        (1008.5, None),
        ("1008.5", None),
        ("1_008", None),
        ("0x1", None),
        ("٣", None),
        (True, None),
        ("", None),
        ("x", None),
        (None, None),
        ([], None),
    ],
)
def test_a_number_is_an_integer_or_its_digits(value: JsonValue, number: int | None) -> None:
    assert read_number(value) == number


@pytest.mark.parametrize(
    ("value", "status"), [(429, 429), ("503", 503), (200, None), (399, None), (600, None), (None, None)]
)
def test_only_an_http_error_is_an_error_status(value: JsonValue, status: int | None) -> None:
    assert read_error_status(value) == status


@pytest.mark.parametrize(
    "value",
    [None, 1, "", "http", "https:/a", "ftp://a", "/relative", "//a/b", "a https://a", "https://a/" + "x" * 8192],
)
def test_text_that_cannot_be_fetched_is_no_link(value: JsonValue) -> None:
    assert read_link(value) is None


@pytest.mark.parametrize("around", ["", " ", "\n", "\r\n\t "])
@pytest.mark.parametrize(
    "link",
    [
        "https://a.b/c%2Fd?sig=%2B%3d&e=é~",
        "HTTPS://a.b/My Song/1.mp3?k=1",
        "http://a.b/夜の雨.mp3",
        "https://a.b/two\tlines\n.mp3",
        "https://a.b/\x00\\",
    ],
)
def test_a_link_is_passed_on_byte_for_byte_but_for_white_space_around_it(link: str, around: str) -> None:
    assert read_link(f"{around}{link}{around}") == link


def test_a_member_of_a_value_that_is_no_object_is_none() -> None:
    assert member({"a": {"b": 1}}, "a", "b") == 1
    assert member({"a": [1]}, "a", "b") is None
    assert member(None, "a") is None


@pytest.mark.parametrize(
    ("failure_class", "charged", "may_repeat"),
    [
        (FailureClass.RATE_LIMITED, ProviderCharged.NO, True),
        (FailureClass.TRANSIENT, ProviderCharged.NO, True),
        (FailureClass.TRANSIENT, ProviderCharged.UNKNOWN, False),
        (FailureClass.RATE_LIMITED, ProviderCharged.YES, False),
        (FailureClass.AUTH, ProviderCharged.NO, False),
        (FailureClass.UNKNOWN_OUTCOME, ProviderCharged.UNKNOWN, False),
    ],
)
def test_only_what_surely_was_not_charged_may_be_repeated(
    failure_class: FailureClass, charged: ProviderCharged, may_repeat: bool
) -> None:
    assert Failure(failure_class=failure_class, provider_charged=charged, message="m").may_repeat is may_repeat


def test_an_unknown_outcome_never_says_that_nothing_was_charged() -> None:
    failure = unknown_outcome("expected an answer, found a closed connection" + "." * 400)
    assert (failure.failure_class, failure.provider_charged) == (FailureClass.UNKNOWN_OUTCOME, ProviderCharged.UNKNOWN)
    assert len(failure.message) == 300


@pytest.mark.parametrize("mail", ["ops-team@operator.example", "a.b+c@d-e.co.uk", "A_1@x.io"])
def test_a_mail_address_is_left_out_of_what_a_provider_says(mail: str) -> None:
    assert tidy(f"write to <{mail}>, please") == "write to <[redacted]>, please"
