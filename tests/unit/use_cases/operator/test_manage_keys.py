"""An operator issues, rotates, revokes and lists keys; each is shown once, in the answer that makes it."""

from datetime import timedelta

import pytest

from fermata.domain.tenants.key_cap import KeyCap
from fermata.domain.tenants.tenant import Caller
from fermata.domain.web.formats import rfc3339
from fermata.errors import InvalidRequestError, NotFoundError, NotRotatableError, TransientError
from fermata.use_cases.accounts.authorize_request import authorize_request
from tests.fakes.clock import NOON
from tests.unit.use_cases.operator.test_manage_tenants import Office, manage


@pytest.fixture
def office() -> Office:
    made = Office()
    manage(made, "create_tenant")
    return made


def keys(office: Office, action: str, **more: object) -> dict[str, object]:
    return office.carry_out({"action": action, **more})


def caller(office: Office, key: object, after_s: float = 0) -> Caller | None:
    return authorize_request(f"Bearer {key}", office.tenants, office.now + timedelta(seconds=after_s))


def test_a_key_has_all_scopes_and_no_end_by_default(office: Office) -> None:
    answer = manage(office, "issue_key")
    assert answer["scopes"] == ["account:read", "jobs:read", "jobs:write"]
    assert (answer["expires_at"], answer["revoked_at"], answer["last_used_at"]) == (None, None, None)


def test_a_key_may_have_some_scopes_and_an_end(office: Office) -> None:
    answer = manage(office, "issue_key", scopes=["jobs:read"], days=2)
    assert (answer["scopes"], answer["expires_at"]) == (["jobs:read"], rfc3339(NOON + timedelta(days=2)))
    found = caller(office, answer["api_key"])
    assert found is not None
    assert found.scopes == ("jobs:read",)
    assert caller(office, answer["api_key"], 2 * 86_400) is None


def test_account_manage_is_given_by_name_only(office: Office) -> None:
    assert manage(office, "issue_key")["scopes"] == ["account:read", "jobs:read", "jobs:write"]
    assert manage(office, "issue_key", scopes=["account:manage"])["scopes"] == ["account:manage"]


def test_a_key_may_have_a_name_and_a_monthly_cap(office: Office) -> None:
    answer = manage(office, "issue_key", name="shop 雨", monthly_credits=600)
    assert (answer["name"], answer["monthly_credits"]) == ("shop 雨", 600)
    found = caller(office, answer["api_key"])
    assert found is not None
    assert found.cap == KeyCap(counter_id=str(answer["key_id"]), monthly_credits=600)


def test_a_rotated_key_keeps_its_name_and_cap_and_counts_on(office: Office) -> None:
    first = manage(office, "issue_key", name="shop", monthly_credits=600)
    second = keys(office, "rotate_key", key_id=first["key_id"])
    third = keys(office, "rotate_key", key_id=second["key_id"], monthly_credits=900)
    assert [(key["name"], key["monthly_credits"]) for key in (second, third)] == [("shop", 600), ("shop", 900)]
    caps = [caller(office, key["api_key"]) for key in (first, second, third)]
    assert [each.cap.counter_id for each in caps if each and each.cap] == [first["key_id"]] * 3


@pytest.mark.parametrize("amount", [0, -1, 1.5, "60"])
def test_a_rotation_takes_no_senseless_cap(office: Office, amount: object) -> None:
    old = manage(office, "issue_key", monthly_credits=600)
    with pytest.raises(InvalidRequestError, match="/monthly_credits"):
        keys(office, "rotate_key", key_id=old["key_id"], monthly_credits=amount)
    assert len(office.tenants.keys_of("acme")) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"scopes": []},
        {"scopes": ["jobs:all"]},
        {"scopes": "jobs:read"},
        {"name": ""},
        {"name": " \u200b"},
        {"name": "two\nlines"},
        {"name": "n" * 81},
        {"name": 1},
        {"monthly_credits": 0},
        {"monthly_credits": -1},
        {"monthly_credits": 1_000_000_001},
        {"monthly_credits": 1.5},
        {"monthly_credits": "60"},
        {"days": 0},
        {"days": 3651},
        {"days": "2"},
        {"expires_at": "2026-11-21T12:00:00Z"},
        {"expires_at": "2027-01-01T00:00:00"},
        {"expires_at": "tomorrow"},
        {"expires_at": "2027-01-01T00:00:00Z", "days": 1},
    ],
)
def test_a_key_with_senseless_values_is_not_issued(office: Office, fields: dict[str, object]) -> None:
    with pytest.raises(InvalidRequestError):
        manage(office, "issue_key", **fields)
    assert manage(office, "list_keys")["keys"] == []


def test_a_rotated_key_stays_valid_for_the_overlap(office: Office) -> None:
    old = manage(office, "issue_key", scopes=["jobs:read"])
    new = keys(office, "rotate_key", key_id=old["key_id"], overlap_s=3600)
    assert new["replaces"] == {"key_id": old["key_id"], "expires_at": rfc3339(NOON + timedelta(hours=1))}
    assert (new["tenant_id"], new["scopes"], new["expires_at"]) == ("acme", ["jobs:read"], None)
    assert [caller(office, key["api_key"], 3599) is not None for key in (old, new)] == [True, True]
    assert [caller(office, key["api_key"], 3600) is not None for key in (old, new)] == [False, True]


def test_without_an_overlap_the_replaced_key_ends_at_once(office: Office) -> None:
    old = manage(office, "issue_key")
    new = keys(office, "rotate_key", key_id=old["key_id"], overlap_s=0)
    assert [caller(office, key["api_key"]) is not None for key in (old, new)] == [False, True]


def test_rotating_makes_no_key_last_longer(office: Office) -> None:
    old = manage(office, "issue_key", days=1)
    new = keys(office, "rotate_key", key_id=old["key_id"], overlap_s=30 * 86_400)
    assert new["expires_at"] == old["expires_at"]
    assert new["replaces"] == {"key_id": old["key_id"], "expires_at": old["expires_at"]}
    assert keys(office, "rotate_key", key_id=new["key_id"], days=9)["expires_at"] == rfc3339(NOON + timedelta(days=9))


def test_a_key_is_rotated_once_while_it_lives(office: Office) -> None:
    old = manage(office, "issue_key")
    new = keys(office, "rotate_key", key_id=old["key_id"])
    with pytest.raises(NotRotatableError, match=f"was rotated to {new['key_id']} before"):
        keys(office, "rotate_key", key_id=old["key_id"])
    keys(office, "revoke_key", key_id=new["key_id"])
    with pytest.raises(NotRotatableError, match="is revoked or has expired"):
        keys(office, "rotate_key", key_id=new["key_id"])


@pytest.mark.parametrize("overlap_s", [-1, 30 * 86_400 + 1, 1.5, "60"])
def test_an_overlap_is_whole_seconds_up_to_thirty_days(office: Office, overlap_s: object) -> None:
    old = manage(office, "issue_key")
    with pytest.raises(InvalidRequestError, match="/overlap_s"):
        keys(office, "rotate_key", key_id=old["key_id"], overlap_s=overlap_s)


def test_two_operators_who_rotate_one_key_get_one_successor(office: Office) -> None:
    old = manage(office, "issue_key")
    office.tenants.before_next_rotation = lambda: keys(office, "rotate_key", key_id=old["key_id"])
    with pytest.raises(TransientError, match="rotated or revoked meanwhile"):
        keys(office, "rotate_key", key_id=old["key_id"])
    assert len(office.tenants.keys_of("acme")) == 2


def test_a_revoked_key_opens_nothing_and_stays_listed(office: Office) -> None:
    issued = manage(office, "issue_key")
    assert keys(office, "revoke_key", key_id=issued["key_id"])["changed"] is True
    assert caller(office, issued["api_key"]) is None
    again = keys(office, "revoke_key", key_id=issued["key_id"])
    assert (again["changed"], again["revoked_at"]) == (False, rfc3339(NOON))


@pytest.mark.parametrize("action", ["rotate_key", "revoke_key"])
def test_a_key_that_is_not_there_is_refused(office: Office, action: str) -> None:
    with pytest.raises(NotFoundError, match="there is no key of this id"):
        keys(office, action, key_id="aaaaaaaa")


@pytest.mark.parametrize("action", ["rotate_key", "revoke_key"])
def test_a_whole_key_in_place_of_its_id_is_not_repeated(office: Office, action: str) -> None:
    issued = manage(office, "issue_key")
    with pytest.raises(NotFoundError, match="the part between fk_ and the next _") as caught:
        keys(office, action, key_id=issued["api_key"])
    assert str(issued["api_key"]).rpartition("_")[2] not in str(caught.value)


def test_a_list_shows_when_keys_were_used_and_no_secret(office: Office) -> None:
    used, unused = manage(office, "issue_key"), manage(office, "issue_key")
    caller(office, used["api_key"], 30)
    listed = manage(office, "list_keys")
    last_used = {each["key_id"]: each["last_used_at"] for each in as_list(listed["keys"])}
    assert last_used == {used["key_id"]: rfc3339(NOON + timedelta(seconds=30)), unused["key_id"]: None}
    for key in (used, unused):
        assert str(key["api_key"]).rpartition("_")[2] not in str(listed)
    assert "sha256" not in str(listed)


def test_the_keys_of_an_unknown_tenant_cannot_be_listed(office: Office) -> None:
    with pytest.raises(NotFoundError, match="create it first"):
        manage(office, "list_keys", "nobody")


def as_list(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return value
