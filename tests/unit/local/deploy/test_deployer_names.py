"""Physical names: the same at every start, never longer than the service allows, never the same for two resources."""

import pytest

from local.deploy.resources.resource_type import Stack


def no_client(service: str) -> None:
    raise AssertionError(f"a name needs no client of {service}")


STACK = Stack("fermata", no_client, artifacts={}, created={}, run=lambda *_: None)


def test_a_short_name_is_stack_and_logical_id() -> None:
    assert STACK.physical_name("SubmitJobFunction", 64) == "fermata-SubmitJobFunction"


@pytest.mark.parametrize("limit", [63, 64, 80])
def test_a_long_name_is_cut_to_the_limit_and_stays_apart_from_its_neighbour(limit: int) -> None:
    name, neighbour = (STACK.physical_name("A" * 100 + end, limit) for end in ("x", "y"))

    assert len(name) == len(neighbour) == limit
    assert name != neighbour
    assert STACK.physical_name("A" * 100 + "x", limit) == name


def test_a_name_of_exactly_the_limit_is_kept() -> None:
    assert STACK.physical_name("Queue", len("fermata-Queue")) == "fermata-Queue"
