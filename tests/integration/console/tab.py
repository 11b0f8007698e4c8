"""What a customer does in one tab of the console."""

from dataclasses import dataclass
from typing import Any

from tests.support.browser import Page


@dataclass(frozen=True)
class Tab:
    """A page of the console, by what a customer sees and presses."""

    page: Page
    url: str

    def sign_in(self, api_key: str) -> None:
        self.page.get_by_label("API key").fill(api_key)
        self.page.get_by_role("button", name="Sign in").click()

    def go(self, name: str) -> None:
        """Open one of the pages by its name in the navigation, or a job by its id."""
        self.page.evaluate("hash => { location.hash = hash }", f"#/{name}")

    def choose(self, model: str, **fields: str) -> None:
        """Choose a model and fill in what it takes, by the labels."""
        self.page.get_by_label("Model", exact=True).select_option(model)
        for label, text in fields.items():
            self.page.get_by_label(label.replace("_", " "), exact=True).fill(text)

    def order(self, price: int) -> None:
        """Press the button that buys, once it says this price."""
        self.page.get_by_role("button", name=f"Order for {price} credits").click()

    def says(self, text: str) -> Any:  # noqa: ANN401 - Playwright's types are elsewhere
        """Wait until the page says this, and return where."""
        found = self.page.get_by_text(text).first
        found.wait_for()
        return found

    def plays(self, number: int = 0) -> None:
        """Wait until this audio element has moved by half a second."""
        moved = "number => document.querySelectorAll('audio')[number]?.currentTime > 0.5"
        self.page.wait_for_function(moved, arg=number)

    def job_id(self) -> str:
        """The job that was just ordered."""
        link = self.page.get_by_role("link", name="Details").get_attribute("href")
        return str(link).rpartition("/")[2]
