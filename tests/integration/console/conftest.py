"""The console in a browser, on the cloud that most tests share."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.cloud_process import PATIENCE_S
from tests.integration.console.tab import Tab
from tests.integration.song import Cloud
from tests.support.browser import chromium, complaints_of


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture
def open_tab(browser: Any, cloud: Cloud) -> Iterator[Callable[..., Tab]]:  # noqa: ANN401 - Playwright's types are elsewhere
    """Open the console in a tab of its own, signed in with a key unless it is None. A tab whose page failed, or did
    what its Content-Security-Policy refuses, fails the test.
    """
    opened: list[tuple[Any, list[str]]] = []

    def start(api_key: str | None, **settings: object) -> Tab:
        context = browser.new_context(**settings)
        context.set_default_timeout(PATIENCE_S * 1000)
        page = context.new_page()
        opened.append((context, complaints_of(page)))
        tab = Tab(page, cloud.line["console_url"])
        page.goto(tab.url)
        if api_key is not None:
            tab.sign_in(api_key)
        return tab

    yield start
    for context, complaints in opened:
        context.close()
        assert complaints == []
