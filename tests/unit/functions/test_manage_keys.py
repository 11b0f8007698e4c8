"""A tenant's own keys over HTTP: what a key may give and change, and that nothing else is stored."""

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from fermata.domain.money.key_counter import KeyCounter
from fermata.domain.tenants.api_keys import USUAL_SCOPES, ApiKey, Scope, new_api_key
from fermata.domain.web.formats import rfc3339
from fermata.use_cases.accounts.authorize_request import authorize_request
from fermata.use_cases.accounts.own_keys import MOST_KEYS
from tests.fakes.clock import NOON
from tests.fakes.world import World
from tests.functions import Event, FakeContext, http_event, wired_app

EVERY_SCOPE = tuple(Scope)
END = NOON + timedelta(days=30)
LATER = rfc3339(END + timedelta(milliseconds=1))


class Account:
    """A tenant that asks with one key after another."""

    def __init__(self) -> None:
        self.world = World()
        self.issued = 0

    def key(self, scopes: Iterable[Scope] = EVERY_SCOPE, tenant_id: str = "acme", **more: Any) -> ApiKey:  # noqa: ANN401
        """A key that an operator issued."""
        self.issued += 1
        record = new_api_key(tenant_id, NOON, bytes([self.issued] * 25), tuple(scopes))[1].model_copy(update=more)
        self.world.tenants.add_key(record)
        return record

    def ask(self, key: ApiKey, method: str, path: str, body: object = None, query: str = "") -> tuple[int, Event]:
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        event = http_event(method, path, raw, query=query)
        event["requestContext"]["authorizer"]["lambda"] = {
            "tenant_id": key.tenant_id,
            "key_id": key.key_id,
            "scopes": " ".join(key.scopes),
        }
        answer = wired_app("manage_keys", self.world).lambda_handler(event, FakeContext())
        return answer["statusCode"], json.loads(answer["body"]) if answer["body"] else {}

    def create(self, key: ApiKey, body: object = b"{}") -> tuple[int, Event]:
        return self.ask(key, "POST", "/v1/keys", body)

    def refused(self, key: ApiKey, method: str, path: str, body: object = None) -> Event:
        """The problem of a request that stores nothing."""
        before = self.world.tenants.keys_of("acme")
        status, problem = self.ask(key, method, path, body)
        assert status == problem["status"] >= 400, problem
        assert self.world.tenants.keys_of("acme") == before
        return problem

    def opened(self, api_key: str) -> ApiKey | None:
        caller = authorize_request(f"Bearer {api_key}", self.world.tenants, self.world.clock())
        return self.world.tenants.find_key(caller.key_id) if caller else None


@pytest.fixture
def account() -> Account:
    return Account()


def test_a_tenant_that_changes_its_keys_leaves_lines_of_the_audit_with_the_key_that_did_it(
    account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    own = account.key()
    with caplog.at_level("INFO"):
        _, made = account.create(own)
        _, rotated = account.ask(own, "POST", f"/v1/keys/{made['id']}/rotate")
        account.ask(own, "DELETE", f"/v1/keys/{rotated['id']}")
        account.ask(own, "GET", "/v1/keys")
    said = [vars(line) for line in caplog.records if line.getMessage() == "audit"]
    assert [(line["action"], line["by_key"], line["tenant_id"], line["key_id"]) for line in said] == [
        ("issue_key", own.key_id, "acme", made["id"]),
        ("rotate_key", own.key_id, "acme", rotated["id"]),
        ("revoke_key", own.key_id, "acme", rotated["id"]),
    ]
    assert made["api_key"] not in str(said)


def named(problem: Event) -> list[str]:
    return [error["pointer"] for error in problem["errors"]]


# ---- issue


def test_a_new_key_is_shown_once_and_opens_the_api(account: Account) -> None:
    body = {"name": "shop", "scopes": ["jobs:write"], "expires_at": rfc3339(END), "monthly_credits": 60}
    status, made = account.create(account.key(), body)
    assert status == 201
    assert made == {
        "id": made["api_key"][3:11],
        "object": "api_key",
        "name": "shop",
        "scopes": ["jobs:write"],
        "monthly_credits": 60,
        "created_at": rfc3339(NOON),
        "expires_at": rfc3339(END),
        "revoked_at": None,
        "rotated_to": None,
        "last_used_at": None,
        "api_key": made["api_key"],
        "replaces": None,
    }
    opened = account.opened(made["api_key"])
    assert opened is not None
    assert (opened.tenant_id, opened.scopes, opened.monthly_credits) == ("acme", (Scope.JOBS_WRITE,), 60)


def test_without_fields_a_key_gets_the_usual_scopes_and_the_bounds_of_the_key_that_made_it(account: Account) -> None:
    _, made = account.create(account.key())
    assert (made["scopes"], made["expires_at"], made["monthly_credits"]) == (list(USUAL_SCOPES), None, None)
    bounded = account.key((Scope.ACCOUNT_MANAGE, Scope.JOBS_READ), expires_at=END, monthly_credits=60)
    _, made = account.create(bounded)
    assert (made["scopes"], made["expires_at"], made["monthly_credits"]) == (["jobs:read"], rfc3339(END), 60)


@pytest.mark.parametrize("end", ["9999-12-31T23:59:59Z", "2036-11-30T12:00:00Z", "2020-01-01T00:00:00Z"])
def test_a_key_ends_in_the_future_and_within_ten_years(account: Account, end: str) -> None:
    assert named(account.refused(account.key(tuple(Scope)), "POST", "/v1/keys", {"expires_at": end})) == ["/expires_at"]


def test_account_manage_is_given_by_name_only(account: Account) -> None:
    own = account.key((Scope.ACCOUNT_MANAGE,))
    assert named(account.refused(own, "POST", "/v1/keys", {})) == ["/scopes"]
    assert account.create(own, {"scopes": ["account:manage"]})[1]["scopes"] == ["account:manage"]


@pytest.mark.parametrize("scope", list(USUAL_SCOPES))
def test_a_key_can_give_no_scope_that_it_lacks(account: Account, scope: Scope) -> None:
    own = account.key(each for each in Scope if each is not scope)
    problem = account.refused(own, "POST", "/v1/keys", {"scopes": list(Scope)})
    assert (problem["status"], problem["type"]) == (403, "urn:fermata:problem:beyond_own_key")
    assert named(problem) == ["/scopes"]
    assert scope.value in problem["detail"]


@pytest.mark.parametrize(
    ("fields", "pointers"),
    [
        ({"expires_at": LATER}, ["/expires_at"]),
        ({"expires_at": None}, ["/expires_at"]),
        ({"monthly_credits": 61}, ["/monthly_credits"]),
        ({"monthly_credits": None}, ["/monthly_credits"]),
        ({"expires_at": None, "monthly_credits": 600}, ["/expires_at", "/monthly_credits"]),
        ({"expires_at": rfc3339(END), "monthly_credits": 60}, []),
        ({"expires_at": rfc3339(NOON + timedelta(seconds=1)), "monthly_credits": 1}, []),
    ],
)
def test_a_key_makes_none_that_spends_more_or_lasts_longer_than_itself(
    account: Account, fields: dict[str, object], pointers: list[str]
) -> None:
    own = account.key(expires_at=END, monthly_credits=60)
    if pointers:
        problem = account.refused(own, "POST", "/v1/keys", fields)
        assert (problem["status"], named(problem)) == (403, pointers)
    else:
        assert account.create(own, fields)[0] == 201


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 422),
        ({"name": ""}, 422),
        ({"name": "\u200b"}, 422),
        ({"name": "a\nb"}, 422),
        ({"name": "\ud800"}, 422),
        ({"name": "n" * 81}, 422),
        ({"scopes": []}, 422),
        ({"scopes": ["jobs:all"]}, 422),
        ({"scopes": "jobs:read"}, 422),
        ({"scopes": ["jobs:read"] * 5}, 422),
        ({"expires_at": rfc3339(NOON)}, 422),
        ({"expires_at": "2027-01-01"}, 422),
        ({"expires_at": 1800000000}, 422),
        ({"monthly_credits": 0}, 422),
        ({"monthly_credits": -1}, 422),
        ({"monthly_credits": 1.5}, 422),
        ({"monthly_credits": "60"}, 422),
        ({"monthly_credits": True}, 422),
        ({"monthly_credits": 1_000_000_001}, 422),
        ({"tenant_id": "other"}, 422),
    ],
)
def test_a_senseless_key_is_not_made(account: Account, body: object, status: int) -> None:
    assert account.refused(account.key(), "POST", "/v1/keys", body)["status"] == status


def test_a_key_without_the_scope_manages_nothing(account: Account) -> None:
    own, other = account.key(USUAL_SCOPES), account.key(USUAL_SCOPES)
    for method, path in (
        ("POST", "/v1/keys"),
        ("GET", "/v1/keys"),
        ("POST", f"/v1/keys/{other.key_id}/rotate"),
        ("DELETE", f"/v1/keys/{other.key_id}"),
    ):
        problem = account.refused(own, method, path, {} if method == "POST" else None)
        assert (problem["status"], problem["required_scope"]) == (403, "account:manage")


def test_a_key_that_ended_while_the_gateway_remembered_it_changes_nothing(account: Account) -> None:
    other = account.key()
    for own in (account.key(revoked_at=NOON), account.key(expires_at=NOON)):
        for method, path in (("POST", "/v1/keys"), ("DELETE", f"/v1/keys/{other.key_id}")):
            problem = account.refused(own, method, path, {} if method == "POST" else None)
            assert problem["type"] == "urn:fermata:problem:beyond_own_key"


def test_a_tenant_has_a_thousand_keys_at_most(account: Account) -> None:
    own = account.key()
    for number in range(MOST_KEYS - 2):
        randomness = (MOST_KEYS + number).to_bytes(25, "little")
        account.world.tenants.add_key(new_api_key("acme", NOON, randomness)[1])
    status, last = account.create(own)
    assert status == 201
    for method, path in (("POST", "/v1/keys"), ("POST", f"/v1/keys/{last['id']}/rotate")):
        problem = account.refused(own, method, path, {})
        assert (problem["status"], problem["type"]) == (409, "urn:fermata:problem:too_many_keys")
    assert account.ask(own, "DELETE", f"/v1/keys/{last['id']}")[0] == 204


# ---- list


def test_a_list_shows_every_key_of_the_tenant_and_no_secret(account: Account) -> None:
    own = account.key()
    account.key(tenant_id="other")
    made = account.create(own, {"name": "shop", "monthly_credits": 60})[1]
    account.world.wallets.key_counters["acme", made["id"]] = KeyCounter(month="2026-11", held=30, spent_in_month=9)
    status, listed = account.ask(own, "GET", "/v1/keys")
    assert (status, listed["next_cursor"]) == (200, None)
    assert {key["id"] for key in listed["data"]} == {own.key_id, made["id"]}
    by_id = {key["id"]: key for key in listed["data"]}
    shown = {name: value for name, value in made.items() if name not in ("api_key", "replaces")}
    assert by_id[made["id"]] == {**shown, "used_credits": 39}
    assert by_id[own.key_id]["used_credits"] is None
    stored = account.world.tenants.find_key(made["id"])
    assert stored is not None
    for secret in (made["api_key"], made["api_key"][12:], stored.sha256, own.sha256):
        assert secret not in json.dumps(listed)


def test_used_credits_are_those_of_this_month_and_nothing_for_a_new_key(account: Account) -> None:
    own = account.key()
    used, new = (account.create(own, {"monthly_credits": 60})[1]["id"] for _ in range(2))
    account.world.wallets.key_counters["acme", used] = KeyCounter(month="2026-10", held=30, spent_in_month=9)
    listed = account.ask(own, "GET", "/v1/keys")[1]["data"]
    assert {key["id"]: key["used_credits"] for key in listed} == {own.key_id: None, used: 30, new: 0}


def test_a_list_has_pages(account: Account) -> None:
    own = account.key()
    for _ in range(4):
        account.create(own)
    first = account.ask(own, "GET", "/v1/keys", query="limit=3")[1]
    second = account.ask(own, "GET", "/v1/keys", query=f"limit=3&cursor={first['next_cursor']}")[1]
    ids = [key["id"] for page in (first, second) for key in page["data"]]
    assert (len(first["data"]), len(second["data"]), len(set(ids)), second["next_cursor"]) == (3, 2, 5, None)
    assert account.ask(own, "GET", "/v1/keys", query="limit=0&cursor=x")[0] == 422


# ---- rotate and revoke


def test_a_rotated_key_keeps_what_it_may_and_counts_with_its_predecessor(account: Account) -> None:
    own = account.key()
    old = account.create(own, {"name": "shop", "scopes": ["jobs:write"], "monthly_credits": 60})[1]
    status, new = account.ask(own, "POST", f"/v1/keys/{old['id']}/rotate", {"overlap_s": 3600})
    assert status == 201
    assert (new["name"], new["scopes"], new["monthly_credits"]) == ("shop", ["jobs:write"], 60)
    assert new["replaces"] == {"id": old["id"], "expires_at": rfc3339(NOON + timedelta(hours=1))}
    records = [account.opened(key["api_key"]) for key in (old, new)]
    assert [record.cap.counter_id for record in records if record and record.cap] == [old["id"]] * 2
    listed = {key["id"]: key for key in account.ask(own, "GET", "/v1/keys")[1]["data"]}
    assert (listed[old["id"]]["rotated_to"], listed[new["id"]]["rotated_to"]) == (new["id"], None)


def test_a_rotation_needs_no_body_and_may_change_the_cap_and_the_end(account: Account) -> None:
    own = account.key()
    old = account.create(own, {"monthly_credits": 60})[1]
    new = account.ask(own, "POST", f"/v1/keys/{old['id']}/rotate")[1]
    assert new["replaces"]["expires_at"] == rfc3339(NOON + timedelta(days=1))
    body = {"monthly_credits": 600, "expires_at": rfc3339(END), "overlap_s": 0}
    third = account.ask(own, "POST", f"/v1/keys/{new['id']}/rotate", body)[1]
    assert (third["monthly_credits"], third["expires_at"]) == (600, rfc3339(END))
    assert (account.opened(new["api_key"]), account.opened(third["api_key"]) is not None) == (None, True)


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"expires_at": LATER}, ["/expires_at"]),
        ({"monthly_credits": 61}, ["/monthly_credits"]),
    ],
)
def test_a_rotation_gives_no_more_than_the_key_that_asks_for_it_has(
    account: Account, body: dict[str, object], pointers: list[str]
) -> None:
    own = account.key(expires_at=END, monthly_credits=60)
    old = account.create(own)[1]
    problem = account.refused(own, "POST", f"/v1/keys/{old['id']}/rotate", body)
    assert (problem["status"], named(problem)) == (403, pointers)


@pytest.mark.parametrize("body", [{"overlap_s": -1}, {"overlap_s": 2_592_001}, {"monthly_credits": 0}, {"name": "x"}])
def test_a_senseless_rotation_is_refused(account: Account, body: dict[str, object]) -> None:
    own = account.key()
    old = account.create(own)[1]
    assert account.refused(own, "POST", f"/v1/keys/{old['id']}/rotate", body)["status"] == 422


def test_a_key_is_rotated_once_and_not_after_its_end(account: Account) -> None:
    own = account.key()
    old = account.create(own)[1]
    new = account.ask(own, "POST", f"/v1/keys/{old['id']}/rotate")[1]
    again = account.refused(own, "POST", f"/v1/keys/{old['id']}/rotate")
    assert (again["status"], again["type"]) == (409, "urn:fermata:problem:not_rotatable")
    assert f"was rotated to {new['id']} before" in again["detail"]
    account.ask(own, "DELETE", f"/v1/keys/{new['id']}")
    ended = account.refused(own, "POST", f"/v1/keys/{new['id']}/rotate")
    assert (ended["status"], ended["type"]) == (409, "urn:fermata:problem:not_rotatable")
    assert "is revoked or has expired" in ended["detail"]


def test_null_takes_a_keys_cap_and_end_away_when_it_is_made_and_when_it_is_rotated(account: Account) -> None:
    own = account.key(expires_at=END, monthly_credits=60)
    free = account.key()
    none = {"monthly_credits": None, "expires_at": None}
    made = account.create(free, {**none, "name": "made"})[1]
    bounded = account.create(free, {"monthly_credits": 60, "expires_at": rfc3339(END)})[1]
    rotated = account.ask(free, "POST", f"/v1/keys/{bounded['id']}/rotate", none)[1]
    assert [(key["monthly_credits"], key["expires_at"]) for key in (made, rotated)] == [(None, None)] * 2
    child = account.create(own)[1]
    problem = account.refused(own, "POST", f"/v1/keys/{child['id']}/rotate", none)
    assert (problem["status"], sorted(named(problem))) == (403, ["/expires_at", "/monthly_credits"])


def test_a_revoked_key_opens_nothing_and_stays_listed(account: Account) -> None:
    own = account.key()
    made = account.create(own)[1]
    for _ in range(2):
        assert account.ask(own, "DELETE", f"/v1/keys/{made['id']}") == (204, {})
    assert account.opened(made["api_key"]) is None
    listed = {key["id"]: key["revoked_at"] for key in account.ask(own, "GET", "/v1/keys")[1]["data"]}
    assert listed == {own.key_id: None, made["id"]: rfc3339(NOON)}


CHANGES = (("POST", "/rotate"), ("DELETE", ""))


@pytest.mark.parametrize(("method", "step"), CHANGES)
def test_a_key_does_not_change_itself(account: Account, method: str, step: str) -> None:
    own = account.key()
    problem = account.refused(own, method, f"/v1/keys/{own.key_id}{step}")
    assert (problem["status"], named(problem)) == (403, ["/id"])


@pytest.mark.parametrize(("method", "step"), CHANGES)
@pytest.mark.parametrize(
    ("wider", "said"),
    [({"expires_at": None}, "expires_at"), ({"monthly_credits": 61}, "monthly_credits"), ({}, "scopes")],
)
def test_a_key_changes_none_that_may_do_more(
    account: Account, wider: dict[str, Any], said: str, method: str, step: str
) -> None:
    bounds: dict[str, Any] = {"expires_at": END, "monthly_credits": 60}
    own = account.key((Scope.ACCOUNT_MANAGE, Scope.JOBS_READ), **bounds)
    scopes = own.scopes if wider else (Scope.JOBS_WRITE,)
    other = account.key(scopes, **{**bounds, **wider})
    problem = account.refused(own, method, f"/v1/keys/{other.key_id}{step}")
    assert (problem["status"], named(problem)) == (403, ["/id"])
    assert f"({said})" in problem["detail"]
    equal = account.key(own.scopes, **bounds)
    assert account.ask(own, method, f"/v1/keys/{equal.key_id}{step}")[0] in (201, 204)


@pytest.mark.parametrize(("method", "step"), CHANGES)
def test_another_tenants_key_is_as_unknown_as_one_that_never_existed(account: Account, method: str, step: str) -> None:
    own, theirs = account.key(), account.key(tenant_id="other")
    ids = (theirs.key_id, "zzzzzzzz", "fk_zzzzzzzz_secret", "z" * 3000, "ZZZZZZZZ")
    problems = [account.refused(own, method, f"/v1/keys/{key_id}{step}") for key_id in ids]
    assert {(problem["status"], problem["detail"]) for problem in problems} == {
        (404, "there is no key of this id; the id of fk_aaaaaaaa_... is aaaaaaaa")
    }
    assert account.world.tenants.find_key(theirs.key_id) == theirs


def test_reads_and_changes_of_keys_count_in_their_limits(account: Account) -> None:
    own = account.key()
    event = http_event("GET", "/v1/keys")
    event["requestContext"]["authorizer"]["lambda"] |= {"key_id": own.key_id, "scopes": "account:manage"}
    app = wired_app("manage_keys", account.world)
    assert app.lambda_handler(event, FakeContext())["headers"]["RateLimit-Policy"] == '"read";q=600;w=60'
    event["requestContext"]["http"]["method"], event["body"] = "POST", "{}"
    assert app.lambda_handler(event, FakeContext())["headers"]["RateLimit-Policy"] == '"change";q=120;w=60'
