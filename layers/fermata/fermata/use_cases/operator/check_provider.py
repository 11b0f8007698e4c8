"""Tell whether a provider's keys work, without ordering anything."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from fermata.errors import ConfigurationError, UpstreamCallError
from fermata.ports.providers import KeyCheck, KeyVerdict, ProviderKeys, Upstream
from fermata.use_cases.generation.follow.parse_answer import read_answer

CHECK_WITHIN_S: Final = 20
"""The longest time of one call, in seconds."""


@dataclass(frozen=True)
class CheckPorts:
    """Ports of `check_provider`. `checks` returns a provider's free call, or None if its documents have none."""

    upstream: Upstream
    keys: ProviderKeys
    checks: Callable[[str], KeyCheck | None]


def check_provider(provider: str, ports: CheckPorts) -> dict[str, JsonValue]:
    """Whether each key of a provider works: true, false, or null if that is not known. `works` is true only if all of
    them do, and false if one does not or there is none. No key is in the result.
    """
    check = ports.checks(provider)
    try:
        verdicts = {alias: _verdict(provider, alias, check, ports) for alias in ports.keys.aliases(provider)}
        found = "" if verdicts else f'the secret of provider keys has no key for {provider}; add "{provider}" to it'
    except ConfigurationError as error:
        verdicts, found = {}, str(error)
    return {
        "provider": provider,
        "works": _of_all([each.works for each in verdicts.values()]),
        "free_call": f"{check.call.method} {check.call.path}" if check else None,
        "found": found or None,
        "keys": [
            {"key_alias": alias, "works": verdict.works, "found": verdict.found} for alias, verdict in verdicts.items()
        ],
    }


def _verdict(provider: str, alias: str, check: KeyCheck | None, ports: CheckPorts) -> KeyVerdict:
    if check is None:
        found = f"{provider} documents no free call; order one song to try the key"
        return KeyVerdict(works=None, found=found)
    try:
        with ports.upstream.send(provider, check.call, ports.keys.by_alias(provider, alias), CHECK_WITHIN_S) as answer:
            return check.read(read_answer(answer))
    except UpstreamCallError as error:
        return KeyVerdict(works=None, found=f"{error}; check the network and the provider's base URL")


def _of_all(works: list[bool | None]) -> bool | None:
    if not works or False in works:
        return False
    return None if None in works else True
