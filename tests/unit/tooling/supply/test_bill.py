"""The bill of materials names all that is deployed, by hash, and is the same for the same sources."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tooling.supply.bill import bill, undeclared_packages, write_bill
from tooling.supply.deployed import deployed_parts, npm_pins

VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
sys.exit(str(JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read()) or ""))
"""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return bill()


def components(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {component["bom-ref"]: component for component in document["components"]}


def contents(component: dict[str, Any], algorithm: str) -> set[str]:
    return {each["content"] for each in component["hashes"] if each["alg"] == algorithm}


def fault_of(root: Path, text: str) -> str:
    """What CycloneDX's own schema says against a document; empty if nothing."""
    python = root / ".tools" / "supply" / "bin" / "python"
    ended = subprocess.run([python, "-c", VALIDATE], input=text, check=False, capture_output=True, text=True)
    return ended.stderr.strip()


def test_the_bill_is_valid_by_the_schema_of_cyclonedx(root: Path, document: dict[str, Any]) -> None:
    assert fault_of(root, json.dumps(document)) == ""
    assert "'fil' is not one of" in fault_of(root, json.dumps(document).replace('"type": "file"', '"type": "fil"', 1))


def test_every_wheel_that_the_locks_of_the_layers_allow_stands_in_it_with_version_and_hash(
    root: Path, document: dict[str, Any]
) -> None:
    found = components(document)
    wheels = 0
    pinned = re.compile(r"^(\S+)==(\S+) \\\n((?:    .*\n?)+)", re.MULTILINE)
    for lock in root.glob("layers/*/requirements.txt"):
        for name, version, rest in pinned.findall(lock.read_text("utf-8")):
            hashes = set(re.findall(r"sha256:(\w+)", rest))
            component = found[f"pkg:pypi/{name}@{version}"]
            assert (component["name"], component["version"]) == (name, version)
            assert hashes
            assert hashes <= contents(component, "SHA-256")
            wheels += len(hashes)
    assert wheels == sum(
        lock.read_text("utf-8").count("--hash=sha256:") for lock in root.glob("layers/*/requirements.txt")
    )


def test_the_packages_of_the_console_stand_in_it_with_the_hash_of_their_archive(
    root: Path, document: dict[str, Any]
) -> None:
    locked = {pin.name: pin for pin in npm_pins(root / "tooling/console/package-lock.json")}
    console = next(each for each in document["dependencies"] if each["ref"] == "functions/serve_console")
    packages = [each for each in console["dependsOn"] if each.startswith("pkg:npm/")]

    assert len(packages) == 4
    for package in packages:
        component = components(document)[package]
        pin = locked[component["name"]]
        assert component["version"] == pin.version
        assert contents(component, "SHA-512") == set(pin.hashes)
        assert all(len(each) == 128 for each in pin.hashes)


def test_every_function_stands_in_it_with_each_of_its_files_and_the_layers_that_it_may_have(
    root: Path, document: dict[str, Any]
) -> None:
    depends = {each["ref"]: set(each["dependsOn"]) for each in document["dependencies"]}
    folders = {f"functions/{path.parent.name}" for path in root.glob("functions/*/app.py")}

    assert depends["fermata"] == folders
    for folder in folders:
        files = {component["name"] for component in components(document)[folder]["components"]}
        assert f"{folder}/app.py" in files
        assert "layers/fermata" in depends[folder]
    assert "layers/media" in depends["functions/measure_tracks"]
    assert "layers/c2pa" in depends["functions/store_audio"]


def test_every_reference_leads_to_a_component_and_every_component_has_one(document: dict[str, Any]) -> None:
    named = {"fermata", *components(document)}
    leading = {name for each in document["dependencies"] for name in each["dependsOn"]}

    assert leading == named - {"fermata"}
    assert len(components(document)) == len(document["components"])


def test_every_foreign_package_has_its_licence(document: dict[str, Any]) -> None:
    licences = {name: each["licenses"] for name, each in components(document).items() if name.startswith("pkg:")}

    (preact,) = (name for name in licences if name.startswith("pkg:npm/preact@"))
    assert licences[preact] == [{"expression": "MIT"}]
    assert all(licence[0]["expression"] for licence in licences.values())


def test_the_same_sources_give_the_same_bytes_and_nothing_in_them_knows_the_time(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    first, again = write_bill(tmp_path).read_bytes(), write_bill(tmp_path / "again").read_bytes()

    assert first == again
    assert b"timestamp" not in first
    assert str(Path.cwd()).encode() not in first


def test_an_uploaded_package_that_the_bill_lacks_is_a_fault(tmp_path: Path) -> None:
    powertools = next(
        pin.version for part in deployed_parts() for pin in part.pins if pin.name == "aws-lambda-powertools"
    )
    for name in (f"aws_lambda_powertools-{powertools}", "fermata-0.9.0", "mutagen-1.47.0", "httpx-0.27.0"):
        (tmp_path / f"{name}.dist-info").mkdir()

    assert [line.partition(": ")[2].split(" is")[0] for line in undeclared_packages(tmp_path)] == [
        "httpx 0.27.0",
        "mutagen 1.47.0",
    ]
