"""Commands for providers: enable, check, pause and bound their spending."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from fermata.domain.catalogue.models import read_catalogue
from fermata.domain.providers.spending import EVERY_PROVIDER
from fermata.errors import FieldError, InvalidRequestError
from fermata.ports.providers import BrakeStore, ProviderStates
from fermata.use_cases.operator.check_provider import CheckPorts, check_provider
from fermata.use_cases.operator.enable_provider import enable_provider
from fermata.use_cases.operator.set_budget import SetBudget, set_budget


@dataclass(frozen=True)
class ProviderPorts:
    """Ports of `manage_providers`. `check` makes the ports of `check_provider` when they are needed; `budget` returns a
    provider's deployed daily budget in millionths of a USD, 0 for none.
    """

    provider_states: ProviderStates
    brakes: BrakeStore
    check: Callable[[], CheckPorts]
    budget: Callable[[str], int]


class EnableProvider(BaseModel):
    """Let jobs go again to a provider that had rejected the account, or whose circuit is open."""

    model_config = ConfigDict(defer_build=True, extra="forbid")

    action: Literal["enable_provider"]
    provider: str


class CheckProvider(BaseModel):
    """Tell whether a provider's keys work, without ordering anything."""

    model_config = ConfigDict(defer_build=True, extra="forbid")

    action: Literal["check_provider"]
    provider: str


class Pause(BaseModel):
    """Block all orders to a provider, or to every provider (`all`), until it is resumed."""

    model_config = ConfigDict(defer_build=True, extra="forbid")

    action: Literal["pause"]
    provider: str


class Resume(BaseModel):
    """End the pause of a provider, or the pause named `all`. Each pause ends only by its own name."""

    model_config = ConfigDict(defer_build=True, extra="forbid")

    action: Literal["resume"]
    provider: str


ProviderCommand = EnableProvider | CheckProvider | Pause | Resume | SetBudget


def manage_providers(command: ProviderCommand, ports: ProviderPorts, now: datetime) -> dict[str, JsonValue]:
    """Execute one command about a provider. Raises `InvalidRequestError` for an unknown one, and `TransientError`."""
    if isinstance(command, SetBudget):
        name = known_provider(command.provider)
        return set_budget(name, command.daily_budget_usd, ports.budget(name), ports.brakes)
    if isinstance(command, CheckProvider):
        return check_provider(known_provider(command.provider), ports.check())
    if isinstance(command, EnableProvider):
        return enable_provider(known_provider(command.provider), ports.provider_states)
    name, paused = known_provider(command.provider, EVERY_PROVIDER), isinstance(command, Pause)
    changed = ports.brakes.pause(name, now) if paused else ports.brakes.resume(name)
    return {"provider": name, "paused": paused, "changed": changed}


def known_provider(name: str, *others: str) -> str:
    """This name, if it is a provider of the catalogue or among `others`; raises `InvalidRequestError`."""
    known = (*read_catalogue().provider_ids(), *others)
    if name not in known:
        raise InvalidRequestError([FieldError("/provider", f"must be one of {', '.join(known)}")])
    return name
