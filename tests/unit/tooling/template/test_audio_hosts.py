"""The template's lists of hosts: what an operator may write, and what a function reads of it."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from fermata.config import CommaSet
from local.deploy.parameters import read_parameters
from local.deploy.transform import read_template
from local.errors import RefusedParameterError

pytestmark = pytest.mark.check


def hosts_read_from(root: Path, given: dict[str, str]) -> frozenset[str]:
    value = read_parameters(read_template(root / "template.yaml"), given)["AudioHosts"]
    return TypeAdapter(CommaSet).validate_python(value)


def test_by_default_no_host_is_listed(root: Path) -> None:
    assert hosts_read_from(root, {}) == frozenset()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("cdn.example.com", {"cdn.example.com"}),
        (".example.com, b_1.example.net , 93.184.216.34", {".example.com", "b_1.example.net", "93.184.216.34"}),
        ("xn--ess.example", {"xn--ess.example"}),
    ],
)
def test_a_comma_list_of_host_names_is_taken(root: Path, written: str, read: set[str]) -> None:
    assert hosts_read_from(root, {"AudioHosts": written}) == read


@pytest.mark.parametrize(
    "written",
    [
        *("https://cdn.example.com", "cdn.example.com/songs", "cdn.example.com:443", "*.example.com", "夜.example"),
        *(" ", ",", "a.example,", "a.example,,b.example", "a.example b.example"),
    ],
)
def test_what_would_match_no_host_or_open_the_list_by_mistake_is_refused(root: Path, written: str) -> None:
    with pytest.raises(RefusedParameterError, match="comma-separated list of ASCII host names"):
        hosts_read_from(root, {"AudioHosts": written})
