"""What a deployment uploads, read from the files that decide it: the layers' locks and the console's built assets."""

import base64
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
CONSOLE: Final = "functions/serve_console"

_PIN: Final = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_SHIPPED: Final = re.compile(r"^(\S+) (\d[^ ]*) \(([^)]+)\)$", re.MULTILINE)


@dataclass(frozen=True)
class Pin:
    """A version of a package that a lock names; `ecosystem` is `PyPI` or `npm`, as OSV spells them."""

    ecosystem: str
    name: str
    version: str
    hashes: tuple[str, ...] = ()
    """Of every file that the lock allows, in hexadecimal: SHA-256 for PyPI, SHA-512 for npm."""


@dataclass(frozen=True)
class Part:
    """A folder that is uploaded as a layer or a function, and the foreign packages in it."""

    folder: str
    pins: tuple[Pin, ...]


def deployed_parts(root: Path = ROOT) -> list[Part]:
    """Each layer with what its lock names, and the console with the packages that its page is made of."""
    layers = [
        Part(f"layers/{lock.parent.name}", tuple(python_pins(lock)))
        for lock in sorted(root.glob("layers/*/requirements.txt"))
    ]
    return [*layers, Part(CONSOLE, tuple(_console_pins(root)))]


def python_pins(lock: Path) -> Iterator[Pin]:
    """Every version of a lock file of Python packages; a package may have two, for different Pythons."""
    for block in re.split(r"\n(?=\S)", lock.read_text("utf-8")):
        if pinned := _PIN.match(block):
            yield Pin("PyPI", pinned[1], pinned[2], tuple(sorted(_HASH.findall(block))))


def npm_pins(lock: Path) -> Iterator[Pin]:
    """Every version of a `package-lock.json`, of what is installed below others too."""
    packages: Mapping[str, Mapping[str, Any]] = json.loads(lock.read_text("utf-8"))["packages"]
    for place, package in packages.items():
        if place and "version" in package:
            name = package.get("name") or place.rpartition("node_modules/")[2]
            yield Pin("npm", name, package["version"], _sha512(package.get("integrity", "")))


def _sha512(integrity: str) -> tuple[str, ...]:
    kind, _, digest = integrity.partition("-")
    return (base64.b64decode(digest).hex(),) if kind == "sha512" else ()


def _console_pins(root: Path) -> Iterator[Pin]:
    """The packages whose licences the console shows, which are those that it ships."""
    locked = {(pin.name, pin.version): pin for pin in npm_pins(root / "tooling/console/package-lock.json")}
    for name, version in console_licences(root):
        yield locked[name, version]


def console_licences(root: Path = ROOT) -> dict[tuple[str, str], str]:
    """The licence of each npm package of the console by name and version, as its page of licences has them."""
    text = gzip.decompress((root / CONSOLE / "assets" / "licences.txt.gz").read_bytes()).decode()
    return {(name, version): licence for name, version, licence in _SHIPPED.findall(text)}
