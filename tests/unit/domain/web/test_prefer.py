"""What a `Prefer` header requests, as RFC 7240 reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata.domain.web.prefer import LONGEST_WAIT_S, preferred_wait


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("wait=10", 10),
        ("wait=0", 0),
        ("WAIT = 7", 7),
        ("wait=007", 7),
        ("wait=10; foo=bar", 10),
        ("respond-async, wait=3", 3),
        (", ,wait=3", 3),
        ("respond-async;x=1,wait=3,handling=lenient", 3),
        ('note="a, wait=9", wait=2', 2),
        (r'note="say \", wait=9", wait=2', 2),
        ("x; y=1, wait=4", 4),
    ],
)
def test_a_wait_is_found_among_other_preferences(header: str, seconds: int) -> None:
    assert preferred_wait(header) == seconds


@pytest.mark.parametrize("header", ["wait=26", "wait=3600", "wait=" + "9" * 20, "wait=" + "1" * 5000])
def test_no_request_waits_longer_than_the_gateway(header: str) -> None:
    assert preferred_wait(header) == LONGEST_WAIT_S == 25


@pytest.mark.parametrize(
    "header",
    [
        *("", "wait", "wait=", "wait=x", "wait=-1", "wait=1.5", "wait=1e3", 'wait="10"', "wait=²"),
        *("await=10", "wait10", "respond-async", "=", ",", ";", '"', "wait=x, wait=5", "wait=5 6", "\x00", "wait==5"),
        'note="never closed, wait=5',
    ],
)
def test_what_is_no_number_of_seconds_is_ignored(header: str) -> None:
    assert preferred_wait(header) is None


def test_the_first_of_two_waits_counts() -> None:
    assert preferred_wait("wait=2, wait=9") == 2


@pytest.mark.parametrize(
    "header",
    ["a;" + " " * 200_000 + '"', " " * 200_000, '"' * 200_000, "a," * 100_000 + "wait=1", "," * 200_000 + "wait=1"],
)
@pytest.mark.timeout(10)
def test_a_long_header_is_read_once(header: str) -> None:
    assert preferred_wait(header) in (None, 1)


@given(st.text() | st.text(alphabet='wait=0123456789,; "\\'))
def test_no_header_is_an_error(header: str) -> None:
    seconds = preferred_wait(header)
    assert seconds is None or 0 <= seconds <= LONGEST_WAIT_S
