"""Writes the bill of materials of what is deployed: CycloneDX 1.6 as JSON, the same bytes for the same sources.

It names each function with its files, each layer, and each foreign package with every hash that the locks allow.
Nothing in it knows the time, and its serial number follows from its content.
"""

import hashlib
import json
import tomllib
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from local.deploy.transform import read_template
from tooling.supply.deployed import CONSOLE, ROOT, Part, Pin, deployed_parts
from tooling.supply.licences import licence_of

BILL: Final = "bill-of-materials.cdx.json"
_SPEC: Final = "1.6"
_NAMESPACE: Final = uuid.UUID("6c0d1d6e-5c0f-5d8b-9c1c-8f3f6b7f6d57")
"""Ours alone, so that no other bill has a serial number of ours."""
_ALGORITHMS: Final = {"PyPI": "SHA-256", "npm": "SHA-512"}

Component = dict[str, Any]


def write_bill(folder: Path) -> Path:
    """Write the bill into a folder that exists, and return its path."""
    path = folder / BILL
    path.write_text(json.dumps(bill(), indent=2, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
    return path


def bill() -> dict[str, Any]:
    """The bill as a document of CycloneDX."""
    version: str = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    parts = {part.folder: part for part in deployed_parts()}
    functions = sorted(f"functions/{path.parent.name}" for path in ROOT.glob("functions/*/app.py"))
    layers = sorted(folder for folder in parts if folder.startswith("layers/"))
    own = [_own(folder, version) for folder in [*layers, *functions]]
    application = {"type": "application", "bom-ref": "fermata", "name": "fermata", "version": version}
    content = {
        "metadata": {"component": {**application, "licenses": [{"license": {"id": "Apache-2.0"}}]}},
        "components": [*own, *_packages(parts.values())],
        "dependencies": sorted(_dependencies(functions, parts), key=lambda each: str(each["ref"])),
    }
    serial = uuid.uuid5(_NAMESPACE, json.dumps(content, sort_keys=True))
    return {"bomFormat": "CycloneDX", "specVersion": _SPEC, "serialNumber": serial.urn, "version": 1, **content}


def reference_of(pin: Pin) -> str:
    """The package URL of a pin, which is also what the bill refers to it by."""
    kind = "pypi" if pin.ecosystem == "PyPI" else "npm"
    return f"pkg:{kind}/{pin.name.replace('@', '%40')}@{pin.version}"


def _own(folder: str, version: str) -> Component:
    """One of our own layers, or a function with its files."""
    is_function = folder.startswith("functions/")
    component: Component = {
        "type": "application" if is_function else "library",
        "bom-ref": folder,
        "name": folder,
        "version": version,
    }
    return {**component, "components": list(_files(ROOT / folder))} if is_function else component


def _files(folder: Path) -> Iterator[Component]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            name = str(path.relative_to(ROOT))
            yield {"type": "file", "bom-ref": name, "name": name, "hashes": [{"alg": "SHA-256", "content": digest}]}


def _packages(parts: Iterable[Part]) -> list[Component]:
    """Each foreign package once, although two layers may bring it."""
    pins: dict[str, Pin] = {}
    for pin in (pin for part in parts for pin in part.pins):
        reference = reference_of(pin)
        before = pins[reference].hashes if reference in pins else ()
        pins[reference] = Pin(pin.ecosystem, pin.name, pin.version, tuple(sorted({*before, *pin.hashes})))
    return [_package(reference, pin) for reference, pin in sorted(pins.items())]


def _package(reference: str, pin: Pin) -> Component:
    return {
        "type": "library",
        "bom-ref": reference,
        "purl": reference,
        "name": pin.name,
        "version": pin.version,
        "hashes": [{"alg": _ALGORITHMS[pin.ecosystem], "content": each} for each in pin.hashes],
        "licenses": [{"expression": licence_of(pin)}],
    }


def _dependencies(functions: Iterable[str], parts: Mapping[str, Part]) -> Iterator[dict[str, Any]]:
    template = read_template(ROOT / "template.yaml")
    layers = _layers_of_functions(template)
    yield {"ref": "fermata", "dependsOn": sorted(functions)}
    for folder in functions:
        packages = [reference_of(pin) for pin in parts[CONSOLE].pins] if folder == CONSOLE else []
        yield {"ref": folder, "dependsOn": sorted({*layers[folder], *packages})}
    for folder, part in parts.items():
        if folder != CONSOLE:
            yield {"ref": folder, "dependsOn": sorted({reference_of(pin) for pin in part.pins})}


def _layers_of_functions(template: Mapping[str, Any]) -> dict[str, set[str]]:
    """The folders of the layers that a function may have, by the function's folder."""
    resources = template["Resources"].values()
    folders = {
        name: resource["Properties"]["ContentUri"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::LayerVersion"
    }
    always = _references(template["Globals"]["Function"]["Layers"])
    return {
        each["Properties"]["CodeUri"]: {
            folders[name] for name in always | _references(each["Properties"].get("Layers", [])) if name in folders
        }
        for each in resources
        if each["Type"] == "AWS::Serverless::Function"
    }


def _references(value: object) -> set[str]:
    """Every name that a `Ref` inside a value names."""
    if isinstance(value, Mapping):
        named = {value["Ref"]} if "Ref" in value else set()
        return named.union(*(_references(each) for each in value.values()))
    return set[str]().union(*(_references(each) for each in value)) if isinstance(value, list) else set()


def undeclared_packages(layer: Path) -> list[str]:
    """A line for each foreign package of an unpacked layer (its folder `python`) that the bill does not name."""
    declared = {component.get("purl") for component in bill()["components"]}
    found = sorted(path.name.removesuffix(".dist-info") for path in layer.glob("*.dist-info"))
    pins = [
        Pin("PyPI", name.lower().replace("_", "-"), version) for name, _, version in (f.rpartition("-") for f in found)
    ]
    return [
        f"{layer}: {pin.name} {pin.version} is not in {BILL}"
        for pin in pins
        if reference_of(pin) not in declared and not pin.name.startswith("fermata")
    ]
