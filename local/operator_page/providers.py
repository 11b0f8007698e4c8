"""Providers (paused, circuit, queue, budget) and the faults of their simulators."""

from typing import Any, Final

import httpx

from local.operator_page.sources import RefusedError, Sources, UnknownError

_ACTIONS: Final = {"enable": "enable_provider", "pause": "pause", "resume": "resume"}
_TIMEOUT_S: Final = 10.0


def overview(sources: Sources) -> dict[str, Any]:
    """The providers, and the simulators with their faults and with those that wait."""
    with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as http:
        faults = [{**http.get(f"{url}/_sim/faults").json(), "url": url} for url in sources.simulators.values()]
    return {"providers": sources.manage({"action": "providers"})["providers"], "simulators": faults}


def change_provider(sources: Sources, provider: str, action: str) -> dict[str, Any]:
    """Enable, pause or resume a provider; raises `UnknownError` for any other action and `RefusedError`."""
    if action not in _ACTIONS:
        raise UnknownError(f"expected one of {', '.join(_ACTIONS)}, found another action")
    return sources.manage({"action": _ACTIONS[action], "provider": provider})


def set_fault(sources: Sources, provider: str, order: object) -> dict[str, Any]:
    """Have a simulator answer with a fault, as its own route takes it. Raises `UnknownError` or `RefusedError`."""
    return _told(sources, provider, "faults", order)


def forget_faults(sources: Sources, provider: str) -> dict[str, Any]:
    """Take back the faults that wait, and with them the simulator's bill and tasks."""
    return _told(sources, provider, "reset", {})


def _told(sources: Sources, provider: str, what: str, body: object) -> dict[str, Any]:
    if provider not in sources.simulators:
        raise UnknownError(f"expected a simulator, one of {', '.join(sources.simulators) or 'none'}")
    with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as http:
        answer = http.post(f"{sources.simulators[provider]}/_sim/{what}", json=body)
    if not answer.is_success:
        raise RefusedError(answer.text)
    told: dict[str, Any] = answer.json() if answer.content else {}
    return told
