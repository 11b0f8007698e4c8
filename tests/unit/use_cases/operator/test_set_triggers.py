"""Nothing of a tenant becomes a job by itself until the operator says so."""

from typing import Any

import pytest

from fermata.domain.money.wallet import empty_wallet
from fermata.domain.triggers.senders import Change, Triggers
from fermata.errors import InvalidRequestError, NotFoundError, StaleRecordError
from fermata.use_cases.operator.manage_tenants import manage_tenants
from fermata.use_cases.operator.set_triggers import set_triggers
from fermata.wiring.operator import manage_ports
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


def set_on(tenant_id: str = "acme", **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    command = {"action": "set_triggers", "tenant_id": tenant_id, **settings}
    return dict(manage_tenants(command, manage_ports(), NOON, bytes(25)))


@pytest.mark.usefixtures("world")
def test_an_omitted_setting_stays_as_it_is() -> None:
    off = {"tenant_id": "acme", "inbox": False, "events": False, "sources": []}
    assert set_on() == off
    assert set_on(events=True, sources=[SHOP]) == {**off, "events": True, "sources": [SHOP]}
    assert set_on(inbox=True) == {**off, "inbox": True, "events": True, "sources": [SHOP]}
    assert set_on(events=False) == {**off, "inbox": True, "sources": [SHOP]}


@pytest.mark.usefixtures("world")
def test_new_sources_replace_all_earlier_ones_and_an_empty_list_removes_them() -> None:
    set_on(sources=[SHOP, DESK, SHOP])
    assert set_on(sources=[DESK])["sources"] == [DESK]
    assert set_on(sources=[])["sources"] == []


@pytest.mark.usefixtures("world")
def test_a_source_belongs_to_one_tenant() -> None:
    set_on(sources=[SHOP])
    with pytest.raises(InvalidRequestError, match="another tenant's"):
        set_on("other", sources=[SHOP])
    set_on(sources=[])
    assert set_on("other", sources=[SHOP])["sources"] == [SHOP]


@pytest.mark.usefixtures("world")
def test_a_tenant_must_exist() -> None:
    with pytest.raises(NotFoundError):
        set_on("nobody", inbox=True)


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
        set_on(**settings)
    assert world.triggers.of_tenant("acme").version == 0


class Disputed(InMemoryTriggerStore):
    """Another run writes first, a number of times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def save(self, before: Triggers, after: Triggers) -> None:
        self.times -= 1
        if self.times >= 0:
            raise StaleRecordError("somebody else wrote first")
        super().save(before, after)


def test_a_change_that_loses_a_race_is_made_again() -> None:
    assert set_triggers("acme", Change(inbox=True), Disputed(2))["inbox"]
    with pytest.raises(StaleRecordError):
        set_triggers("acme", Change(inbox=True), Disputed(3))
