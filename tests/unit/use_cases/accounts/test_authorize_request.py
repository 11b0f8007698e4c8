"""A key leads to its tenant; everything else leads to no tenant."""

from datetime import timedelta

import pytest

from fermata.domain.tenants.api_keys import USUAL_SCOPES, Scope, new_api_key
from fermata.domain.tenants.tenant import Caller
from fermata.errors import TransientError
from fermata.use_cases.accounts.authorize_request import authorize_request
from tests.fakes.clock import NOON
from tests.fakes.tenants.tenant_store import InMemoryTenantStore

KEY, RECORD = new_api_key("acme", NOON, bytes(range(25)))
OTHER_KEY, OTHER_RECORD = new_api_key("acme", NOON, bytes(range(1, 26)))


@pytest.fixture
def tenants() -> InMemoryTenantStore:
    store = InMemoryTenantStore()
    store.add_key(RECORD)
    return store


@pytest.mark.parametrize("header", [f"Bearer {KEY}", f"bearer {KEY}", f"  Bearer   {KEY} "])
def test_a_known_key_is_its_tenants(tenants: InMemoryTenantStore, header: str) -> None:
    assert authorize_request(header, tenants, NOON) == Caller("acme", RECORD.key_id, USUAL_SCOPES)


MALFORMED = [
    pytest.param("", id="missing"),
    pytest.param(KEY, id="no_scheme"),
    pytest.param(f"Basic {KEY}", id="another_scheme"),
    pytest.param("Bearer", id="no_key"),
    pytest.param("Bearer sk-1234", id="another_vendors_key"),
    pytest.param(f"Bearer {KEY[:-1]}", id="cut"),
    pytest.param(f"Bearer {KEY}x", id="too_long"),
    pytest.param(f"Bearer {KEY[:-1]}{'7' if KEY[-1] != '7' else '6'}", id="last_character_changed"),
    pytest.param(f"Bearer {KEY[:5]}{'7' if KEY[5] != '7' else '6'}{KEY[6:]}", id="id_mistyped"),
    pytest.param(f"Bearer {KEY.upper()}", id="upper_case"),
    pytest.param(f"Bearer {RECORD.sha256}", id="the_hash"),
    pytest.param(f"Bearer {KEY} {KEY}", id="two_keys"),
    pytest.param("Bearer fk_ä", id="not_ascii"),
]


@pytest.mark.parametrize("header", MALFORMED)
def test_a_malformed_key_is_not_authorized_and_not_looked_up(header: str) -> None:
    class NoStore(InMemoryTenantStore):
        def find_key(self, key_id: str) -> None:
            raise AssertionError(f"looked up {key_id}")

    assert authorize_request(header, NoStore(), NOON) is None


def test_a_wrong_key_with_a_known_id_is_not_authorized(tenants: InMemoryTenantStore) -> None:
    tenants.add_key(OTHER_RECORD.model_copy(update={"sha256": RECORD.sha256}))
    assert authorize_request(f"Bearer {OTHER_KEY}", tenants, NOON) is None


def test_an_unknown_key_is_not_authorized(tenants: InMemoryTenantStore) -> None:
    assert authorize_request(f"Bearer {OTHER_KEY}", tenants, NOON) is None


def test_an_expired_key_is_not_authorized(tenants: InMemoryTenantStore) -> None:
    tenants.add_key(OTHER_RECORD.model_copy(update={"expires_at": NOON}))
    assert authorize_request(f"Bearer {OTHER_KEY}", tenants, NOON - timedelta(seconds=1)) is not None
    assert authorize_request(f"Bearer {OTHER_KEY}", tenants, NOON) is None


def test_a_revoked_key_is_not_authorized(tenants: InMemoryTenantStore) -> None:
    tenants.revoke_key(RECORD, NOON)
    assert authorize_request(f"Bearer {KEY}", tenants, NOON) is None


def test_a_key_hands_on_the_scopes_that_it_has_and_no_others(tenants: InMemoryTenantStore) -> None:
    tenants.add_key(OTHER_RECORD.model_copy(update={"scopes": (Scope.JOBS_READ,)}))
    caller = authorize_request(f"Bearer {OTHER_KEY}", tenants, NOON)
    assert caller == Caller("acme", OTHER_RECORD.key_id, ("jobs:read",))


def test_the_use_of_a_key_is_noted_once_a_minute(tenants: InMemoryTenantStore) -> None:
    for second in (0, 1, 59, 60, 90, 121):
        authorize_request(f"Bearer {KEY}", tenants, NOON + timedelta(seconds=second))
    stored = tenants.find_key(RECORD.key_id)
    assert stored is not None
    assert (tenants.notes, stored.last_used_at) == (3, NOON + timedelta(seconds=121))


def test_only_an_authorized_use_is_noted(tenants: InMemoryTenantStore) -> None:
    tenants.revoke_key(RECORD, NOON)
    for header in (f"Bearer {KEY}", f"Bearer {OTHER_KEY}", ""):
        authorize_request(header, tenants, NOON)
    assert tenants.notes == 0


def test_a_use_that_cannot_be_noted_fails_no_request(tenants: InMemoryTenantStore) -> None:
    tenants.note_failure = TransientError("the table could not be written: ReadTimeoutError")
    assert authorize_request(f"Bearer {KEY}", tenants, NOON) is not None
