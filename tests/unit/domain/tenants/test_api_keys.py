"""Keys have one form with a checksum, carry 160 bits of secret, and are kept only as a hash of it."""

import hashlib
import hmac
import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata.domain.tenants.api_keys import (
    KEY_RANDOM_BYTES,
    USUAL_SCOPES,
    ApiKey,
    Scope,
    bearer_key,
    new_api_key,
    opened_by,
)
from tests.fakes.clock import NOON

RANDOM = st.binary(min_size=KEY_RANDOM_BYTES, max_size=KEY_RANDOM_BYTES)
KEY, RECORD = new_api_key("acme", NOON, bytes(range(25)))
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


@given(RANDOM)
def test_every_new_key_is_a_bearer_key(randomness: bytes) -> None:
    key, record = new_api_key("acme", NOON, randomness)
    assert re.fullmatch(r"fk_[a-z2-7]{8}_[a-z2-7]{39}", key)
    sent = bearer_key(f"Bearer {key}")
    assert sent is not None
    assert (f"fk_{sent.key_id}_{sent.secret}", sent.key_id) == (key, record.key_id)
    assert opened_by(sent, record, NOON) == record


@given(RANDOM, RANDOM)
def test_all_of_the_randomness_is_in_the_key(first: bytes, second: bytes) -> None:
    assert (new_api_key("acme", NOON, first)[0] == new_api_key("acme", NOON, second)[0]) is (first == second)


def test_a_record_holds_the_hash_of_the_secret_and_not_the_secret() -> None:
    secret = KEY.rpartition("_")[2]
    assert RECORD.sha256 == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in RECORD.model_dump_json()
    assert secret[:32] not in RECORD.model_dump_json()
    assert (RECORD.tenant_id, RECORD.created_at, RECORD.scopes) == ("acme", NOON, USUAL_SCOPES)


def test_a_key_with_any_one_character_changed_is_no_key() -> None:
    for place in range(len(KEY)):
        for other in (*ALPHABET, "_", "A", "é"):
            if KEY[place] != other:
                assert bearer_key(f"Bearer {KEY[:place]}{other}{KEY[place + 1 :]}") is None


def test_a_key_with_two_neighbours_swapped_is_no_key() -> None:
    for place in range(len(KEY) - 1):
        swapped = KEY[:place] + KEY[place + 1] + KEY[place] + KEY[place + 2 :]
        assert (bearer_key(f"Bearer {swapped}") is None) is (swapped != KEY)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", KEY, "Bearer fk_a_b", "Bearer\tfk", f"Bearer {KEY[:-1]}"])
def test_other_headers_hold_no_key(header: str) -> None:
    assert bearer_key(header) is None


def opens(record: ApiKey | None, after_s: float = 0) -> bool:
    sent = bearer_key(f"Bearer {KEY}")
    assert sent is not None
    return opened_by(sent, record, NOON + timedelta(seconds=after_s)) is not None


def test_a_key_opens_its_record_until_it_expires() -> None:
    record = RECORD.model_copy(update={"expires_at": NOON + timedelta(seconds=10)})
    assert [opens(record, after_s) for after_s in (0, 9.999, 10, 11)] == [True, True, False, False]


def test_a_revoked_key_opens_nothing_at_once() -> None:
    assert not opens(RECORD.model_copy(update={"revoked_at": NOON}))


def test_a_record_of_another_secret_is_not_opened() -> None:
    _, other = new_api_key("acme", NOON, bytes(25))
    assert not opens(other.model_copy(update={"key_id": RECORD.key_id}))


@pytest.mark.parametrize("record", [None, RECORD, RECORD.model_copy(update={"revoked_at": NOON})])
def test_known_and_unknown_keys_are_compared_alike_and_in_constant_time(
    monkeypatch: pytest.MonkeyPatch, record: ApiKey | None
) -> None:
    compared: list[tuple[int, int]] = []
    original = hmac.compare_digest

    def compare(ours: str, theirs: str) -> bool:
        compared.append((len(ours), len(theirs)))
        return original(ours, theirs)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    opens(record)
    assert compared == [(64, 64)]


def test_scopes_are_kept_once_and_in_order() -> None:
    asked = (Scope.JOBS_WRITE, Scope.ACCOUNT_READ, Scope.JOBS_WRITE)
    assert new_api_key("acme", NOON, bytes(25), asked)[1].scopes == (Scope.ACCOUNT_READ, Scope.JOBS_WRITE)
