"""How long a function may take on a machine that many processes share."""

import os
from collections.abc import Callable

import pytest

from local.runtime.crowding import crowding


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[[float, int | None], None]:
    def shape(load: float, cores: int | None) -> None:
        monkeypatch.setattr(os, "getloadavg", lambda: (load, 99.0, 99.0))
        monkeypatch.setattr(os, "cpu_count", lambda: cores)

    return shape


def test_on_a_machine_with_a_core_for_each_process_a_second_is_a_second(
    machine: Callable[[float, int | None], None],
) -> None:
    for load, cores in ((0.0, 2), (1.9, 2), (2.0, 2), (0.3, None)):
        machine(load, cores)
        assert crowding() == 1.0


def test_where_six_processes_want_each_core_a_function_has_six_times_as_long(
    machine: Callable[[float, int | None], None],
) -> None:
    machine(12.0, 2)
    assert crowding() == 6.0
