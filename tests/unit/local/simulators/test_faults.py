"""The closed list of fault names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.simulators.faults import FaultError, FaultKind, parse_fault

CLOSED_LIST = (
    "code:<n> http:<n> http:<n>:charged html empty reset_before_body cut:<percent> hang:<s> slow:<bytes_per_s> status1 "
    "odd_hex upper_hex not_hex not_audio link_expired link:<url> redirect:<url> status_word:<word> direct "
    "callback_lost callback_twice callback_early callback_forged hint stream_repeat_last "
    "stream_longer_last stream_early_last stream_no_last stream_empty stream_stall:<s> stream_hold"
)


def test_the_list_of_fault_names_is_closed() -> None:
    assert {str(kind) for kind in FaultKind} == set(CLOSED_LIST.split())


@pytest.mark.parametrize(
    ("name", "kind", "argument"),
    [
        ("code:1002", "code:<n>", "1002"),
        ("http:503", "http:<n>", "503"),
        ("http:500:charged", "http:<n>:charged", "500"),
        ("cut:0", "cut:<percent>", "0"),
        ("cut:99.5", "cut:<percent>", "99.5"),
        ("hang:0.25", "hang:<s>", "0.25"),
        ("slow:20000", "slow:<bytes_per_s>", "20000"),
        ("link:http://127.0.0.1:9/a?b=%2F", "link:<url>", "http://127.0.0.1:9/a?b=%2F"),
        ("redirect:http://10.0.0.1/", "redirect:<url>", "http://10.0.0.1/"),
        ("status_word:in_progress", "status_word:<word>", "in_progress"),
        ("callback_lost", "callback_lost", "callback_lost"),
        ("stream_stall:2.5", "stream_stall:<s>", "2.5"),
    ],
)
def test_a_name_is_read_with_its_argument(name: str, kind: str, argument: str) -> None:
    fault = parse_fault(name)
    assert (fault.kind, fault.argument) == (kind, argument)


@pytest.mark.parametrize(
    "name",
    [
        "", "teapot", "code", "code:", "code:0", "code:x", "http:200", "http:600", "http:500:free", "cut:100", "cut:-1",
        "hang:", "hang:1e9", "slow:0", "link:", "link:http://a b", "redirect:http://a\r\nx: y", "status_word:a b",
        "HTML",
    ],
)  # fmt: skip
def test_any_other_name_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(FaultError, match=r"unknown fault .* known are code:<n>, http:<n>"):
        parse_fault(name)


@given(st.text())
def test_text_is_a_known_fault_or_refused(name: str) -> None:
    try:
        fault = parse_fault(name)
    except FaultError:
        return
    assert fault.name == name


def test_what_is_logged_of_an_address_has_no_query() -> None:
    assert parse_fault("link:https://a.test/b?Signature=secret").loggable == "link:https://a.test/b"
