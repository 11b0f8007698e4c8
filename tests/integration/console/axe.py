"""What axe finds wrong with a page."""

from typing import Any

from tests.support.browser import NODE_PACKAGES, Page


def violations(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 and its own best practice."""
    page.evaluate((NODE_PACKAGES / "axe-core" / "axe.min.js").read_text("utf-8"))
    found: list[dict[str, Any]] = page.evaluate("async () => (await axe.run()).violations")
    return [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"]]
