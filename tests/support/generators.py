"""The generators of clients that docs/api.md names, as they are installed here."""

import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.documents import Document
from tests.functions import ROOT

PACKAGES: Final = ROOT / ".tools" / "generators" / "node_modules"
PYTHON_TOOLS: Final = ROOT / ".tools" / "contract" / "bin"
JAR: Final = "lib/python*/site-packages/openapi_generator_cli/openapi-generator.jar"
JAKARTA: Final = Path("/usr/share/java/jakarta-annotation-api.jar")
PATIENCE_S: Final = 240
"""A quiet machine needs seconds for each; one that is busy with other work must not fail the test."""
ENVIRONMENT: Final = {
    **os.environ,
    "PATH": f"{ROOT / '.tools' / 'node' / 'bin'}:{PYTHON_TOOLS}:{os.environ['PATH']}",
    # A short run is over before a second compilation pays.
    "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "REDOCLY_TELEMETRY": "off",
    "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
}


def generator_commands() -> Mapping[str, str]:
    """Each command of the document that runs a generator from a registry, by the generator's name."""
    lines = [line for block in Document("docs/api.md").blocks("sh") for line in block.splitlines()]
    found = [line for line in lines if line.startswith(("npx ", "uvx "))]
    return {_package(command)[0]: command for command in found}


def pinned_version(package: str) -> str | None:
    """The version of a generator that is installed here; None where it is not."""
    node = json.loads((ROOT / "tooling/generators/package.json").read_text("utf-8"))["dependencies"]
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    pins = dict(each.split("==") for each in groups["contract"])
    version: str | None = node.get(package) or pins.get(package)
    return version


def assert_names_what_is_tested(command: str) -> None:
    """A command of a document names a generator and the version with which the tests run it."""
    package, version = _package(command)
    assert pinned_version(package) == version, f"{command}: the tests run {package} {pinned_version(package)}"


def generate(package: str, folder: Path) -> str:
    """Run the document's command of a generator in a folder, and return what it prints."""
    command = generator_commands()[package]
    assert_names_what_is_tested(command)
    kind, _, *arguments = shlex.split(command)
    tool = PYTHON_TOOLS / package if kind == "uvx" else PACKAGES / ".bin" / package.rpartition("/")[2]
    return run(folder, str(tool), *arguments)


def run(folder: Path, *command: str) -> str:
    """What a command prints that ends well."""
    ended = subprocess.run(
        command,
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert ended.returncode == 0, f"{shlex.join(command)}\n{ended.stdout}{ended.stderr}"
    return ended.stdout


def java(name: str) -> str:
    """The path of a tool of the JDK; a test that lacks it fails and says how to get it."""
    found = shutil.which(name)
    if found is None or not JAKARTA.is_file():
        pytest.fail(
            f"{name} or {JAKARTA} is not on this machine: "
            "apt-get install -y default-jdk-headless libjakarta-annotation-api-java"
        )
    return found


def class_path() -> str:
    """What the Java client needs beside itself: Jackson, which the generator's own archive has, and annotations."""
    (archive,) = (ROOT / ".tools" / "contract").glob(JAR)
    return f"{archive}:{JAKARTA}"


def _package(command: str) -> tuple[str, str]:
    found = re.match(r"(?:npx|uvx) (@?[^@ ]+)@(\S+) ", command)
    assert found, f"{command}: name a version, as in npx orval@8.38.0"
    return found[1], found[2]
