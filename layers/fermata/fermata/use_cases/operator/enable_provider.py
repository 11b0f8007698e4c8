"""Enable a provider again after it had rejected the operator's account."""

from pydantic import JsonValue

from fermata.domain.providers.circuit import Circuit
from fermata.errors import TransientError
from fermata.ports.providers import ProviderStates

_TRIES = 25


def enable_provider(provider: str, states: ProviderStates) -> dict[str, JsonValue]:
    """Close the provider's circuit and clear its recorded failures; returns the former state. `lacking` lists the
    models, by the provider's names, that the account's plan did not include.

    Raises `TransientError` if other writers keep winning the race; a second try helps.
    """
    state = states.load(provider)
    for _ in range(_TRIES):
        enabled = state.enabled()
        stands = states.save(enabled)
        if stands.is_like(enabled):
            return {
                "provider": provider,
                "was": _state_name(state.circuit),
                "disabled_by": state.circuit.disabled_by,
                "lacking": [*sorted(state.circuit.refused_models)],
            }
        state = stands
    raise TransientError(f"the record of {provider} changed {_TRIES} times meanwhile; run the command again")


def _state_name(circuit: Circuit) -> str:
    if circuit.is_disabled:
        return "disabled"
    return "open" if circuit.open_until_ms else "enabled"
