"""Debian's Chromium, driven by the Playwright that lives in an environment of its own."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
NODE_PACKAGES: Final = ROOT / ".tools" / "console" / "node_modules"
Page = Any
"""Playwright is not in this environment, so neither are its types."""

# It plays without a sound, and reaches nothing but this machine.
_FLAGS: Final = (
    "--no-sandbox",
    "--mute-audio",
    "--disable-gpu",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_OF_THE_NETWORK: Final = "Failed to load resource"


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser without a window."""
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("chromium is the judge of this test and is not on this machine: apt-get install -y chromium")
    packages = next((ROOT / ".tools" / "browser" / "lib").glob("python3*/site-packages"))
    if str(packages) not in sys.path:
        sys.path.append(str(packages))
    with import_module("playwright.sync_api").sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def complaints_of(page: Page) -> list[str]:
    """A list that fills with the page's errors and what its Content-Security-Policy refuses; answers of the API that
    are no success are none of them.
    """
    found: list[str] = []

    def note(said: Any) -> None:  # noqa: ANN401 - Playwright's types are elsewhere
        if said.type == "error" and _OF_THE_NETWORK not in said.text:
            found.append(said.text)

    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", note)
    return found
