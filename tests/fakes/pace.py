"""How fast providers take calls in tests."""

from dataclasses import replace

from fermata.domain.providers.queue import Limits
from fermata.use_cases.generation.purchase.run import StartPorts


def at_once(ports: StartPorts) -> StartPorts:
    """The same ports, for which calls may start together where the settings say a millisecond apart, the least that
    they can say.
    """
    said = ports.queue.limits

    def limits(provider: str) -> Limits:
        gap_ms, concurrent = said(provider).gap_ms, said(provider).concurrent
        return Limits(0 if gap_ms == 1 else gap_ms, concurrent)

    return replace(ports, queue=replace(ports.queue, limits=limits))
