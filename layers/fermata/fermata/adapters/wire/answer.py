"""What every way to AWS shares: how long it waits, whom it trusts, and what it answers."""

from typing import TYPE_CHECKING, NamedTuple

from fermata.variables import variable_or

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Times(NamedTuple):
    """The longest waits in seconds: for a connection, and for each piece of an answer."""

    connect_s: int
    read_s: int


class Answer(NamedTuple):
    """A whole answer; the names of its headers are in lower case."""

    status_code: int
    headers: "Mapping[str, str]"
    content: bytes


def ca_bundle() -> str | None:
    """The file of certificates that the operator trusts instead of the usual ones."""
    return variable_or("AWS_CA_BUNDLE") or variable_or("REQUESTS_CA_BUNDLE") or None


def lower_case(headers: "Iterable[tuple[str, str]]") -> dict[str, str]:
    """Headers with their names in lower case."""
    return {name.lower(): value for name, value in headers}
