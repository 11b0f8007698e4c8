"""The judges of OpenAPI documents find nothing wrong with ours; a rule that is off says why in its configuration."""

import re
from pathlib import Path

import pytest

from tests.functions import ROOT
from tests.support.api_document import DOCUMENT
from tests.support.generators import PACKAGES, PATIENCE_S, run

pytestmark = pytest.mark.timeout(2 * PATIENCE_S)

RULES = ROOT / "tooling" / "openapi"


def test_redocly_has_nothing_to_say(tmp_path: Path) -> None:
    run(tmp_path, str(PACKAGES / ".bin" / "redocly"), "lint", "--config", str(RULES / "redocly.yaml"), str(DOCUMENT))


def test_spectral_has_nothing_to_say(tmp_path: Path) -> None:
    rules = str(RULES / "spectral.yaml")
    printed = run(
        tmp_path, str(PACKAGES / ".bin" / "spectral"), "lint", "--fail-severity", "hint", "-r", rules, str(DOCUMENT)
    )
    assert "No results" in printed


@pytest.mark.parametrize("name", ["redocly.yaml", "spectral.yaml"])
def test_a_rule_that_is_off_says_why(name: str) -> None:
    lines = (RULES / name).read_text("utf-8").splitlines()
    off = [line for line in lines if re.search(r": off\b", line)]
    assert off
    assert all(re.search(r": off # .{20,}", line) for line in off)
