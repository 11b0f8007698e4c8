"""The lock files name the same versions, by hash, and no place to get them from."""

import re
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.check

PIN = re.compile(r"^([a-z0-9][a-z0-9.-]*)==(\S+)(?: ; [^\\]+)? \\$", re.MULTILINE)
REQUIREMENT_NAME = re.compile(r"[a-z0-9-]+")
EVERY_LOCK = [
    "requirements.lock",
    "tooling/run.lock",
    "tooling/functions.lock",
    "tooling/runtime.lock",
    "tooling/installer.lock",
    "tooling/sam.lock",
    "tooling/supply.lock",
    "tooling/node.lock",
    "tooling/contract.lock",
    "tooling/docs.lock",
    "tooling/mcp.lock",
    "tooling/client.lock",
    "tooling/browser.lock",
    "tooling/vendors.lock",
    "tooling/media.lock",
    "tooling/c2pa.lock",
    "layers/fermata/requirements.txt",
    "layers/media/requirements.txt",
    "layers/c2pa/requirements.txt",
]


def _pins(lock: Path) -> dict[str, set[str]]:
    """Versions by package; a package has two where Python versions need different ones."""
    pins: dict[str, set[str]] = {}
    for name, version in PIN.findall(lock.read_text("utf-8")):
        pins.setdefault(name, set()).add(version)
    return pins


@pytest.mark.parametrize("name", EVERY_LOCK)
def test_every_requirement_of_a_lock_is_a_version_with_a_hash(root: Path, name: str) -> None:
    text = (root / name).read_text("utf-8")
    starts = [block for block in re.split(r"\n(?=\S)", text) if not block.startswith("#")]

    assert all(PIN.match(block + "\n") and "--hash=sha256:" in block for block in starts)
    assert starts


@pytest.mark.parametrize(
    "name",
    [*EVERY_LOCK, *(f"tooling/{name}/package-lock.json" for name in ("node", "generators", "vendors", "console"))],
)
def test_no_lock_names_where_packages_come_from(root: Path, name: str) -> None:
    lines = (root / name).read_text("utf-8").splitlines()

    assert [
        line for line in lines if re.search(r"--(extra-)?index-url|--find-links|file:|\"resolved\"|@ http", line)
    ] == []


@pytest.mark.parametrize(
    "name",
    [
        *("tooling/functions.lock", "tooling/runtime.lock", "layers/fermata/requirements.txt"),
        *("tooling/media.lock", "layers/media/requirements.txt"),
        *("tooling/c2pa.lock", "layers/c2pa/requirements.txt"),
    ],
)
def test_functions_run_with_the_versions_that_are_tested(root: Path, name: str) -> None:
    tested = _pins(root / "requirements.lock")

    assert {
        package: pinned for package, pinned in _pins(root / name).items() if not pinned <= tested.get(package, pinned)
    } == {}


def test_the_laptop_runs_with_a_part_of_what_the_checks_have_and_without_their_tools(root: Path) -> None:
    tested, run = _pins(root / "requirements.lock"), _pins(root / "tooling/run.lock")

    assert {package: pinned for package, pinned in run.items() if pinned != tested.get(package)} == {}
    assert not {"pytest", "mypy", "ruff", "cfn-lint", "hypothesis", "uv", "sympy"} & set(run)


def test_the_functions_environment_holds_the_layer_and_the_runtime_and_nothing_else(root: Path) -> None:
    layer, runtime = _pins(root / "layers/fermata/requirements.txt"), _pins(root / "tooling/runtime.lock")

    assert set(_pins(root / "tooling/functions.lock")) == set(layer) | set(runtime)


@pytest.mark.parametrize("layer", ["media", "c2pa"])
def test_the_environment_of_a_layer_of_its_own_holds_what_the_layer_does(root: Path, layer: str) -> None:
    assert _pins(root / f"tooling/{layer}.lock") == _pins(root / f"layers/{layer}/requirements.txt")


@pytest.mark.parametrize("layer", ["fermata", "media", "c2pa"])
def test_a_layer_leaves_boto3_to_the_runtime(root: Path, layer: str) -> None:
    assert not {"boto3", "botocore", "s3transfer"} & set(_pins(root / f"layers/{layer}/requirements.txt"))


@pytest.mark.parametrize("layer", ["fermata", "media", "c2pa"])
def test_a_layer_pins_what_it_declares(root: Path, layer: str) -> None:
    declared = tomllib.loads((root / f"layers/{layer}/pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    names = {match.group() for requirement in declared if (match := REQUIREMENT_NAME.match(requirement))}

    assert names
    assert names <= set(_pins(root / f"layers/{layer}/requirements.txt"))
