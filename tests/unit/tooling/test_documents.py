"""Documents, versions and habits agree with each other and with the code."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from fermata import __version__
from fermata_client import __version__ as client_version
from local.simulators.faults import FaultKind
from tests.documents import DOCUMENTS, FENCES, Document

pytestmark = pytest.mark.check

README = Document("README.md")
RECORD = re.compile(
    r"# (\d+)\. .+\n\n- Date: \d{4}-\d\d-\d\d.*\n\n## Context\n\n.+\n\n## Decision\n\n.+\n\n## Consequences\n\n.+\n",
    re.DOTALL,
)


def test_the_readme_is_short() -> None:
    assert len(README.text.splitlines()) <= 200
    assert len(README.text.encode()) <= 12_000


@pytest.mark.parametrize("name", [*DOCUMENTS, "CHANGELOG.md"])
def test_every_link_leads_to_a_file_and_a_heading(name: str) -> None:
    dead = []
    for path, anchor in Document(name).links():
        if not path.exists() or (anchor and anchor not in Document(str(path)).anchors()):
            dead.append(f"{path}#{anchor}")
    assert dead == []


def test_every_test_that_the_proofs_name_exists(root: Path) -> None:
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", Document("docs/proofs.md").text)
    assert len(named) >= 26
    assert [
        f"{file}::{name}" for file, name in named if f"def {name}(" not in (root / "tests" / file).read_text()
    ] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_that_a_document_names_exists(name: str, root: Path) -> None:
    # What a command makes is there only after the command.
    made = {line.strip("/") for line in (root / ".gitignore").read_text("utf-8").splitlines()}
    rooms = {path.name for path in (root, root / "layers/fermata/fermata") for path in path.iterdir() if path.is_dir()}
    rooms -= made
    named = [span for span in Document(name).spans() if "/" in span and span.split("/")[0] in rooms and span.isascii()]
    paths = [span for span in named if all(each.isalnum() or each in "_-./" for each in span)]
    found = [any((base / path).exists() for base in (root, root / "layers/fermata/fermata")) for path in paths]
    assert [path for path, exists in zip(paths, found, strict=True) if not exists] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_code_block_names_a_language_that_tests_know(name: str) -> None:
    assert Document(name).languages() <= FENCES


def test_a_provider_is_two_links_away_from_the_readme(root: Path) -> None:
    assert (root / "docs/architecture.md", "add-a-provider") in [(path, anchor) for path, anchor in README.links()]


def test_every_decision_has_its_parts_and_stands_in_the_index(root: Path) -> None:
    records = sorted((root / "docs/decisions").glob("0*.md"))
    index = (root / "docs/decisions/index.md").read_text("utf-8")
    assert re.findall(r"\]\((0\S+\.md)\)", index) == [record.name for record in records]
    for number, record in enumerate(records, 1):
        form = RECORD.fullmatch(record.read_text("utf-8"))
        assert form, record.name
        assert int(form[1]) == int(record.name[:4]) == number


def test_the_laptop_lists_every_fault_that_simulators_play() -> None:
    listed = re.findall(r"^\| `([^`]+)` \|", Document("docs/laptop.md").text.partition("| fault |")[2], re.MULTILINE)
    assert listed == list(FaultKind)


def test_the_figures_have_a_place_for_those_of_the_house() -> None:
    figures = Document("docs/figures.md").text
    assert figures.count("<!-- house figures -->") == figures.count("<!-- /house figures -->") == 1


def test_the_changelog_begins_with_what_is_unreleased_and_then_this_version() -> None:
    headings = re.findall(r"^## (.+)$", Document("CHANGELOG.md").text, re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(__version__)} \(\d{{4}}-\d\d-\d\d\)", headings[1])


def test_one_version_and_one_licence_hold_everywhere(root: Path) -> None:
    projects = [
        tomllib.loads((root / name).read_text("utf-8"))["project"]
        for name in ("pyproject.toml", "layers/fermata/pyproject.toml", "client/pyproject.toml")
    ]
    assert {project["version"] for project in projects} == {__version__}
    assert client_version == __version__
    assert {project["license"] for project in projects} == {"Apache-2.0"}
    assert (root / "client/LICENSE").read_bytes() == (root / "LICENSE").read_bytes()
    assert "Apache License\n                           Version 2.0" in (root / "LICENSE").read_text("utf-8")


def test_the_hooks_call_what_a_push_is_checked_with(root: Path) -> None:
    (local,) = yaml.safe_load((root / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    assert local["repo"] == "local"
    assert [hook["entry"] for hook in local["hooks"]] == ["make check", "sh tooling/check_subject.sh"]


@pytest.mark.parametrize(
    ("subject", "passes"),
    [("Add a provider", True), ("é" * 72, True), ("é" * 73, False), ("", False)],
    ids=["usual", "longest", "too long", "empty"],
)
def test_a_commits_subject_has_at_most_72_characters(root: Path, tmp_path: Path, subject: str, passes: bool) -> None:
    message = tmp_path / "message"
    message.write_text(f"{subject}\n\n{'why ' * 40}\n", "utf-8")
    ended = subprocess.run(["sh", root / "tooling/check_subject.sh", message], capture_output=True, check=False)
    assert (ended.returncode == 0) is passes
