"""A key leads to its tenant; everything else leads to nobody."""

import pytest

from fermata.domain.tenants import ALL_SCOPES, Caller, new_api_key
from fermata.use_cases.authorize_request import authorize_request
from tests.twins import NOON, InMemoryTenantStore

KEY, RECORD = new_api_key("acme", NOON, bytes(range(25)))


@pytest.fixture
def tenants() -> InMemoryTenantStore:
    store = InMemoryTenantStore()
    store.add_key(RECORD)
    return store


@pytest.mark.parametrize("header", [f"Bearer {KEY}", f"bearer {KEY}", f"  Bearer   {KEY} "])
def test_a_known_key_is_its_tenants(tenants: InMemoryTenantStore, header: str) -> None:
    assert authorize_request(header, tenants) == Caller("acme", RECORD.key_id, ALL_SCOPES)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="missing"),
        pytest.param(KEY, id="no_scheme"),
        pytest.param(f"Basic {KEY}", id="another_scheme"),
        pytest.param("Bearer", id="no_key"),
        pytest.param(f"Bearer {KEY[:-1]}", id="cut"),
        pytest.param(f"Bearer {KEY}x", id="too_long"),
        pytest.param(f"Bearer {KEY[:-1]}7", id="last_character_changed"),
        pytest.param(f"Bearer {KEY.upper()}", id="upper_case"),
        pytest.param(f"Bearer {RECORD.sha256}", id="the_hash"),
        pytest.param(f"Bearer {KEY} {KEY}", id="two_keys"),
        pytest.param("Bearer fk_ä", id="not_ascii"),
    ],
)
def test_anything_else_is_nobodys(tenants: InMemoryTenantStore, header: str) -> None:
    assert authorize_request(header, tenants) is None


def test_a_header_of_the_wrong_form_is_not_looked_up() -> None:
    class NoStore(InMemoryTenantStore):
        def find_key(self, sha256: str) -> None:
            raise AssertionError(f"looked up {sha256}")

    assert authorize_request("Bearer sk-1234", NoStore()) is None
