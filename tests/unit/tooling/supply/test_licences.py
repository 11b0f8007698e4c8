"""What is deployed may be used freely: only licences that ask for a notice, and what a decision lets in by name."""

from pathlib import Path

import pytest

from tooling.supply.deployed import Pin, deployed_parts
from tooling.supply.licences import LIBRARIES, expression_fault, library_fault, licence_faults, licence_of, main

pytestmark = pytest.mark.check

DECISION = "0045-loudness-beside-the-job"


def test_everything_that_is_deployed_is_looked_at() -> None:
    names = {part.folder: {pin.name for pin in part.pins} for part in deployed_parts()}

    assert set(names) == {"layers/c2pa", "layers/fermata", "layers/media", "functions/serve_console"}
    assert {"httpx", "pydantic"} <= names["layers/fermata"]
    assert {"numpy", "soundfile"} <= names["layers/media"]
    assert names["layers/c2pa"] == {"c2pa-python"}
    assert names["functions/serve_console"] == {"hls.js", "openapi-fetch", "preact", "wavesurfer.js"}


def test_all_that_is_deployed_may_be() -> None:
    assert licence_faults() == []


def test_the_list_has_a_line_for_every_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == sum(len(part.pins) for part in deployed_parts())
    assert [line.split()[1:4] for line in lines if "certifi" in line] == [["certifi", licensed("certifi"), "MPL-2.0"]]


def licensed(name: str) -> str:
    return next(pin.version for part in deployed_parts() for pin in part.pins if pin.name == name)


@pytest.mark.parametrize(
    "licence",
    [
        *("MIT", "mit", "BSD-3-Clause AND (MIT OR GPL-2.0-only)", "GPL-3.0-only OR Apache-2.0"),
        "(GPL-2.0-only OR MIT) AND (0BSD AND Zlib)",
    ],
)
def test_a_licence_with_an_allowed_choice_may_be_deployed(licence: str) -> None:
    assert expression_fault(licence) is None


@pytest.mark.parametrize(
    "licence",
    [
        *("GPL-3.0-or-later", "LGPL-2.1-or-later", "AGPL-3.0-only", "MIT AND GPL-2.0-only"),
        *("(MIT OR Apache-2.0) AND LGPL-2.1-only", "GPL-3.0-or-later WITH GCC-exception-3.1", "SSPL-1.0"),
    ],
)
def test_a_licence_that_asks_for_more_than_a_notice_may_not(licence: str) -> None:
    assert "is not among the licences" in (expression_fault(licence) or "")


@pytest.mark.parametrize("licence", ["", None, "Proprietary, see EULA.txt", "UNKNOWN"])
def test_a_licence_that_nobody_can_name_may_not(licence: str | None) -> None:
    assert expression_fault(licence)


def test_a_package_of_another_version_than_the_lock_names_tells_nothing() -> None:
    assert licence_of(Pin("PyPI", "httpx", "0.0.1")) is None
    assert licence_of(Pin("PyPI", "no-such-package", "1.0")) is None
    assert licence_of(Pin("npm", "no-such-package", "1.0")) is None


def test_a_compiled_library_that_nobody_looked_at_may_not_be_deployed() -> None:
    assert "libx264" in (library_fault("soundfile", "libx264-164.so.164") or "")


def test_a_library_that_a_decision_lets_in_is_let_in_from_its_own_package_alone() -> None:
    assert library_fault("soundfile", "libsndfile_arm64.so") is None
    assert library_fault("numpy", "libsndfile_arm64.so") is not None


def test_the_decision_names_each_package_and_library_of_the_media_layer(root: Path) -> None:
    decision = (root / "docs" / "decisions" / f"{DECISION}.md").read_text("utf-8")
    rows = {
        name
        for line in decision.splitlines()
        if len(cells := line.strip("|").split("|")) == 3
        for name in cells[0].strip(" `").split(", ")
    }
    media = next(part for part in deployed_parts() if part.folder == "layers/media")

    let_in = {name.split("_")[0] for name, library in LIBRARIES.items() if library.decision == DECISION}
    assert {*(pin.name for pin in media.pins), *let_in, "mpg123", "LAME", "OpenBLAS"} <= rows
    assert {library.decision for library in LIBRARIES.values()} == {"", DECISION}
