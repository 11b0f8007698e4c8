"""HTTP to URLs from outside: a host is resolved once, every address is checked, and only checked addresses are used."""

import httpx

from fermata.adapters.http.transport import USER_AGENT, DeadlineBackend, DeadlineTransport, Resolver, SlowestRate
from fermata.domain.web.safe_url import LinkTarget, is_global_address
from fermata.errors import UnsafeLinkError


def guarded_client(
    target: LinkTarget,
    deadline: float,
    most_bytes: int,
    timeout: httpx.Timeout,
    resolver: Resolver,
    slowest: SlowestRate | None = None,
) -> httpx.Client:
    """A client for one checked link. It follows no redirect, ends at `deadline` (a value of `time.monotonic()`), reads
    at most `most_bytes` of a connection, and gives up a connection that is slower than `slowest`.

    Its requests raise `UnsafeLinkError` where the host has an address that is not global, unless the link is trusted.
    """
    backend = DeadlineBackend(
        deadline, lambda host, port: _checked_addresses(target, host, port, resolver), most_bytes, slowest
    )
    transport = DeadlineTransport(backend, connect_retries=1)
    headers = {"Accept-Encoding": "identity", "User-Agent": USER_AGENT}
    return httpx.Client(transport=transport, timeout=timeout, trust_env=False, headers=headers)


def _checked_addresses(target: LinkTarget, host: str, port: int, resolver: Resolver) -> list[str]:
    addresses = resolver(host, port)
    if not target.trusted and not all(is_global_address(address) for address in addresses):
        raise UnsafeLinkError(f"{host} resolves to an address that is not global")
    return addresses
