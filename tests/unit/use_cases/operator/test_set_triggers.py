"""Nothing of a tenant becomes a job by itself until the operator says so."""

from typing import Any

import pytest

from fermata.domain.money.wallet import empty_wallet
from fermata.domain.triggers.senders import Change, Triggers
from fermata.errors import InvalidRequestError, NotFoundError, StaleRecordError
from fermata.use_cases.operator.manage_tenants import manage_tenants
from fermata.use_cases.operator.set_triggers import set_triggers
from tests.fakes.clock import NOON
from tests.fakes.triggers.trigger_store import InMemoryTriggerStore
from tests.fakes.world import World

SHOP, DESK = "111122223333/shop", "111122223333/my.desk/of-1"


@pytest.fixture
def world() -> World:
    world = World()
    world.wallets.open(empty_wallet("acme", NOON))
    world.wallets.open(empty_wallet("other", NOON))
    return world


def set_on(world: World, tenant_id: str = "acme", **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    command = {"action": "set_triggers", "tenant_id": tenant_id, **settings}
    return dict(manage_tenants(command, world.manage_ports(), NOON, bytes(25)))


def test_what_is_left_out_stays_as_it_is(world: World) -> None:
    off = {"tenant_id": "acme", "inbox": False, "events": False, "sources": []}
    assert set_on(world) == off
    assert set_on(world, events=True, sources=[SHOP]) == {**off, "events": True, "sources": [SHOP]}
    assert set_on(world, inbox=True) == {**off, "inbox": True, "events": True, "sources": [SHOP]}
    assert set_on(world, events=False) == {**off, "inbox": True, "sources": [SHOP]}


def test_sources_replace_all_before_and_none_takes_all_away(world: World) -> None:
    set_on(world, sources=[SHOP, DESK, SHOP])
    assert set_on(world, sources=[DESK])["sources"] == [DESK]
    assert set_on(world, sources=[])["sources"] == []


def test_a_source_belongs_to_one_tenant(world: World) -> None:
    set_on(world, sources=[SHOP])
    with pytest.raises(InvalidRequestError, match="another tenant's"):
        set_on(world, "other", sources=[SHOP])
    set_on(world, sources=[])
    assert set_on(world, "other", sources=[SHOP])["sources"] == [SHOP]


def test_a_tenant_must_exist(world: World) -> None:
    with pytest.raises(NotFoundError):
        set_on(world, "nobody", inbox=True)


@pytest.mark.parametrize(
    "settings",
    [
        {"inbox": "on"},
        {"sources": ["shop"]},
        {"sources": ["11112222333/shop"]},
        {"sources": ["111122223333/"]},
        {"sources": ["111122223333/aws.s3"]},
        {"sources": ["111122223333/a b"]},
        {"sources": [f"111122223333/{number}" for number in range(21)]},
        {"queue": True},
    ],
    ids=str,
)
def test_a_wrong_setting_is_refused(world: World, settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError):
        set_on(world, **settings)
    assert world.triggers.of_tenant("acme").version == 0


class Disputed(InMemoryTriggerStore):
    """Somebody else writes first, a number of times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def save(self, before: Triggers, after: Triggers) -> None:
        self.times -= 1
        if self.times >= 0:
            raise StaleRecordError("somebody else wrote first")
        super().save(before, after)


def test_a_change_that_met_another_is_made_again() -> None:
    assert set_triggers("acme", Change(inbox=True), Disputed(2))["inbox"]
    with pytest.raises(StaleRecordError):
        set_triggers("acme", Change(inbox=True), Disputed(3))
