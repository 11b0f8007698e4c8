"""What an operator does once a provider that had shut the account out takes orders again."""

from pydantic import JsonValue

from fermata.domain.providers.circuit import Circuit
from fermata.errors import TransientError
from fermata.ports.providers import ProviderStates

_TRIES = 25


def enable_provider(provider: str, states: ProviderStates) -> dict[str, JsonValue]:
    """Close the provider's circuit and forget what is held against it; says what was held. `lacking` are the models, by
    the provider's names, that the account's plan had turned out to lack.

    Raises `TransientError` where other writers keep coming first, which a second try settles.
    """
    state = states.load(provider)
    for _ in range(_TRIES):
        enabled = state.enabled()
        stands = states.save(enabled)
        if stands.is_like(enabled):
            return {
                "provider": provider,
                "was": _word(state.circuit),
                "disabled_by": state.circuit.disabled_by,
                "lacking": [*sorted(state.circuit.refused_models)],
            }
        state = stands
    raise TransientError(f"the record of {provider} changed {_TRIES} times meanwhile; run the command again")


def _word(circuit: Circuit) -> str:
    if circuit.is_disabled:
        return "disabled"
    return "open" if circuit.open_until_ms else "enabled"
