"""Keys have one form, carry 160 bits of secret, and are kept only as a hash."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata.domain.tenants import KEY_RANDOM_BYTES, bearer_key, key_sha256, new_api_key
from tests.twins import NOON

RANDOM = st.binary(min_size=KEY_RANDOM_BYTES, max_size=KEY_RANDOM_BYTES)


@given(RANDOM)
def test_every_new_key_is_a_bearer_key(randomness: bytes) -> None:
    key, record = new_api_key("acme", NOON, randomness)
    assert re.fullmatch(r"fk_[a-z2-7]{8}_[a-z2-7]{32}", key)
    assert bearer_key(f"Bearer {key}") == key
    assert record.key_id == key[3:11]


@given(RANDOM, RANDOM)
def test_all_of_the_randomness_is_in_the_key(first: bytes, second: bytes) -> None:
    assert (new_api_key("acme", NOON, first)[0] == new_api_key("acme", NOON, second)[0]) is (first == second)


def test_a_record_holds_the_hash_and_not_the_secret() -> None:
    key, record = new_api_key("acme", NOON, bytes(range(25)))
    assert record.sha256 == hashlib.sha256(key.encode()).hexdigest() == key_sha256(key)
    assert key.rpartition("_")[2] not in record.model_dump_json()
    assert (record.tenant_id, record.created_at) == ("acme", NOON)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "fk_aaaaaaaa_" + "a" * 32, "Bearer fk_a_b", "Bearer\tfk"])
def test_other_headers_hold_no_key(header: str) -> None:
    assert bearer_key(header) is None
