"""What an operator does: create a tenant, issue a key that is shown once and never stored."""

import json

import pytest

from fermata.errors import InvalidRequestError, NotFoundError
from fermata.use_cases.authorize_request import authorize_request
from fermata.use_cases.manage_tenants import manage_tenants
from tests.twins import NOON, InMemoryTenantStore

RANDOM = bytes(range(25))


@pytest.fixture
def tenants() -> InMemoryTenantStore:
    return InMemoryTenantStore()


def manage(tenants: InMemoryTenantStore, action: str, tenant_id: object = "acme", **more: object) -> dict[str, object]:
    command = {"action": action, "tenant_id": tenant_id, **more}
    return dict(manage_tenants(command, tenants, NOON, RANDOM))


def test_a_created_tenant_is_there(tenants: InMemoryTenantStore) -> None:
    answer = manage(tenants, "create_tenant")
    assert answer == {"tenant_id": "acme", "created_at": "2026-11-21T12:00:00.000Z"}
    assert tenants.find_tenant("acme") is not None


def test_an_issued_key_opens_the_api_for_its_tenant(tenants: InMemoryTenantStore) -> None:
    manage(tenants, "create_tenant")
    answer = manage(tenants, "issue_key")
    caller = authorize_request(f"Bearer {answer['api_key']}", tenants)
    assert caller is not None
    assert (caller.tenant_id, caller.key_id, list(caller.scopes)) == ("acme", answer["key_id"], answer["scopes"])


def test_a_key_itself_is_never_stored(tenants: InMemoryTenantStore) -> None:
    manage(tenants, "create_tenant")
    key = str(manage(tenants, "issue_key")["api_key"])
    stored = json.dumps([vars(tenants)], default=str)
    assert key not in stored
    assert key.rpartition("_")[2] not in stored


def test_a_tenant_is_created_once(tenants: InMemoryTenantStore) -> None:
    manage(tenants, "create_tenant")
    with pytest.raises(InvalidRequestError, match=r"/tenant_id: acme exists already"):
        manage(tenants, "create_tenant")


def test_a_key_for_an_unknown_tenant_is_refused(tenants: InMemoryTenantStore) -> None:
    with pytest.raises(NotFoundError, match="create it first"):
        manage(tenants, "issue_key")


@pytest.mark.parametrize("tenant_id", ["", "Acme", "a b", "-a", "a" * 64, "a/b", "a\n", "ä", 7, None])
def test_a_tenant_id_is_plain_lower_case(tenants: InMemoryTenantStore, tenant_id: object) -> None:
    with pytest.raises(InvalidRequestError, match=r"^/tenant_id: "):
        manage(tenants, "create_tenant", tenant_id)


@pytest.mark.parametrize(
    "command",
    [None, [], "create_tenant", {}, {"action": "create_tenant"}, {"action": "drop_everything", "tenant_id": "acme"}],
)
def test_a_command_of_another_form_is_refused(tenants: InMemoryTenantStore, command: object) -> None:
    with pytest.raises(InvalidRequestError):
        manage_tenants(command, tenants, NOON, RANDOM)


def test_an_unknown_field_is_refused(tenants: InMemoryTenantStore) -> None:
    with pytest.raises(InvalidRequestError, match=r"^/credits: "):
        manage(tenants, "create_tenant", credits=5)
    assert tenants.find_tenant("acme") is None
