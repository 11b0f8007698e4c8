"""Ids sort by time, cannot be guessed, and have one form."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata.domain.orders.job_id import is_job_id, new_job_id
from tests.fakes.clock import NOON

MOMENTS = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(5000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants naive bounds
RANDOM = st.binary(min_size=10, max_size=10)


@given(MOMENTS, RANDOM)
def test_every_new_id_is_an_id_of_30_characters(now: datetime, randomness: bytes) -> None:
    job_id = new_job_id(now, randomness)
    assert is_job_id(job_id)
    assert re.fullmatch(r"job_[0-9A-Z]{26}", job_id)


@given(MOMENTS, RANDOM, RANDOM, st.integers(min_value=2, max_value=10**9))
def test_a_later_id_sorts_after_an_earlier_one(now: datetime, first: bytes, second: bytes, gap_ms: int) -> None:
    assert new_job_id(now, first) < new_job_id(now + timedelta(milliseconds=gap_ms), second)


@given(RANDOM, RANDOM)
def test_all_of_the_randomness_is_in_the_id(first: bytes, second: bytes) -> None:
    assert (new_job_id(NOON, first) == new_job_id(NOON, second)) is (first == second)


def test_an_id_is_a_ulid() -> None:
    # The example of the ULID specification: 1469918176385 ms is 01ARYZ6S41.
    moment = datetime.fromtimestamp(1469918176.385, UTC)
    assert new_job_id(moment, bytes(10)) == "job_01ARYZ6S41" + "0" * 16


@pytest.mark.parametrize(
    "text",
    [
        "",
        "job_",
        "01ARYZ6S410000000000000000",
        "job_01ARYZ6S41000000000000000",
        "job_01ARYZ6S4100000000000000000",
        "job_01ARYZ6S41000000000000000I",
        "job_01aryz6s410000000000000000",
        "job_81ARYZ6S410000000000000000",
        "job_01ARYZ6S410000000000000000\n",
        "JOB_01ARYZ6S410000000000000000",
        "job_01ARYZ6S41000000000000000\uff10",
    ],
)
def test_any_other_text_is_no_id(text: str) -> None:
    assert not is_job_id(text)
