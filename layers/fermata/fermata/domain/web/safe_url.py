"""The address guard: permits https on port 443 of a public host (only of listed hosts if the operator lists any), or an
origin that the operator trusts: an exact one, or one with `*` for every port.
"""

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from fermata.errors import UnsafeLinkError

PUBLIC_LINK_RULE: Final = (
    "must be an https link on port 443 of a public host, in printable ASCII without spaces, user info or fragment"
)
"""The rule of `is_public_link`, for messages."""
WEBHOOK_LINK_RULE: Final = f"{PUBLIC_LINK_RULE}; other origins need the deployment's parameter TrustedWebhookOrigins"
"""The rule of an address for webhooks, for messages."""

_PRINTABLE_ASCII: Final = re.compile(r"[\x21-\x7e]+")
_CALLERS_HOST: Final = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]")
# Browsers accept names with underscores, and some buckets have them.
_PROVIDERS_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")
_PUBLIC_NAME: Final = re.compile(r"(?:[a-z0-9_-]{1,63}\.)+[a-z0-9-]{1,63}\.?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}

# Taken from the registries, because `ipaddress.is_global` is as old as its Python release and permits networks that are
# reachable but serve no files. https://www.iana.org/assignments/iana-ipv4-special-registry,
# https://www.iana.org/assignments/iana-ipv6-special-registry and
# https://www.iana.org/assignments/ipv6-address-space, as of 2026-11.
_SPECIAL_IPV4: Final = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # between a provider and its customers
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, metadata of instances
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_ALLOTTED_IPV6: Final = ipaddress.IPv6Network("2000::/3")
"""IANA's global unicast space. It excludes loopback, NAT64, discard-only, SRv6, unique-local, link-local, site-local
and multicast addresses.
"""
_SPECIAL_IPV6: Final = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, benchmarking, AMT, AS112, ORCHID, DRIP
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""Resolvers of networks without IPv4 map public IPv4 addresses here; `64:ff9b:1::/48` is for private use."""


@dataclass(frozen=True)
class LinkTarget:
    """A checked link. `target` is the path and query byte for byte; a `trusted` link needs no global address."""

    url: str
    host: str
    port: int
    target: str
    trusted: bool


@dataclass(frozen=True)
class TrustedOrigins:
    """Origins in lower case that callers' links may lead to besides public https: all `links`, and `webhooks`."""

    links: frozenset[str] = frozenset()
    webhooks: frozenset[str] = frozenset()


NO_TRUSTED_ORIGINS: Final = TrustedOrigins()


def check_link(url: str, allowed_hosts: Collection[str], trusted_origins: Collection[str]) -> LinkTarget:
    """Check a provider's clean link. If `allowed_hosts` is empty, any public host passes, otherwise only these hosts (a
    leading dot allows subdomains). Raises `UnsafeLinkError` naming the host, never the path or query.
    """
    target, parts = _read(url, trusted_origins, _PROVIDERS_HOST)
    if not target.trusted:
        _demand_https(parts, target)
        if allowed_hosts:
            _demand_a_listed_host(target.host, allowed_hosts)
        else:
            _demand_a_public_host(target.host)
    return target


def check_public_link(url: str, trusted_origins: Collection[str]) -> LinkTarget:
    """Check a caller's link, which may point to any public host; raises `UnsafeLinkError` like `check_link`."""
    target, parts = _read(url, trusted_origins, _CALLERS_HOST)
    if not target.trusted:
        _demand_https(parts, target)
        _demand_a_public_host(target.host)
    return target


def is_public_link(url: str, trusted_origins: Collection[str]) -> bool:
    """Whether a caller's link may be stored: it passes `check_public_link` and has no fragment."""
    try:
        check_public_link(url, trusted_origins)
    except UnsafeLinkError:
        return False
    return "#" not in url


def origin_of(url: str) -> str:
    """Scheme, host and port of a checked link, the only parts that may be shown or logged."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _read(url: str, trusted_origins: Collection[str], allowed_host: re.Pattern[str]) -> tuple[LinkTarget, SplitResult]:
    if not _PRINTABLE_ASCII.fullmatch(url) or "\\" in url:
        raise UnsafeLinkError("a link must be printable ASCII without spaces and backslashes")
    parts, port = _split(url, allowed_host)
    host = parts.hostname or ""
    trusted = _is_trusted(parts, trusted_origins)
    return LinkTarget(url.partition("#")[0], host, port, _target(url), trusted), parts


def _is_trusted(parts: SplitResult, trusted_origins: Collection[str]) -> bool:
    """Whether the origin is listed, exactly or with `*` as its port."""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    origins = {f"{parts.scheme}://{parts.netloc}".lower(), f"{parts.scheme}://{host}:*"}
    return not origins.isdisjoint(trusted_origins)


def is_global_address(address: str) -> bool:
    """Whether an IP address is an ordinary public one: allocated, and in none of IANA's registries of special-purpose
    addresses. An IPv4 address inside IPv6 is checked as IPv4 if it is merely mapped or behind the well-known NAT64
    prefix; any other tunnel is refused.

    Raises `ValueError` for invalid addresses. An address with a zone names a local interface and is never global.
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv4Address):
        return _is_public_ipv4(ip)
    if ip.scope_id is not None:
        return False
    if ip.ipv4_mapped is not None:
        return _is_public_ipv4(ip.ipv4_mapped)
    if ip in _NAT64:
        return _is_public_ipv4(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return ip in _ALLOTTED_IPV6 and not any(ip in network for network in _SPECIAL_IPV6)


def _is_public_ipv4(ip: ipaddress.IPv4Address) -> bool:
    return not any(ip in network for network in _SPECIAL_IPV4)


def _split(url: str, allowed_host: re.Pattern[str]) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        raise UnsafeLinkError("a link must be an absolute URL with a valid host and port") from None
    host = parts.netloc.rpartition("@")[2].rpartition(":")[0] or parts.netloc
    if "@" in parts.netloc or not allowed_host.fullmatch(host if parts.port else parts.netloc):
        raise UnsafeLinkError("a link must name a plain host, without user info or unusual characters")
    return parts, port


def _demand_https(parts: SplitResult, target: LinkTarget) -> None:
    if parts.scheme != "https" or target.port != 443:
        raise UnsafeLinkError(
            f"a link to {target.host} must use https on port 443, got {parts.scheme} on port {target.port}"
        )


def _demand_a_public_host(host: str) -> None:
    # Resolvers also accept "127.1", "0x7f.1" and "2130706433" as addresses, so a name must not end in a number.
    try:
        public = is_global_address(host)
    except ValueError:
        public = bool(_PUBLIC_NAME.fullmatch(host)) and not _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2])
    if not public:
        raise UnsafeLinkError(f"{host} is not the name or address of a public host")


def _demand_a_listed_host(host: str, allowed_hosts: Collection[str]) -> None:
    if not any(_matches(host, allowed) for allowed in allowed_hosts):
        raise UnsafeLinkError(f"{host} is not among the hosts that audio may be fetched from", unlisted_host=host)


def _matches(host: str, allowed: str) -> bool:
    name = allowed.lower()
    return host == name or (name.startswith(".") and host.endswith(name))


def _target(url: str) -> str:
    rest = url.partition("#")[0].partition("://")[2]
    start = min((rest.find(mark) for mark in "/?" if mark in rest), default=-1)
    target = rest[start:] if start >= 0 else "/"
    return target if target.startswith("/") else f"/{target}"
