"""Every page: readable by everybody, in light and dark, on a phone, and quick with thousands of jobs."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from fermata.domain.orders.job_id import new_job_id
from tests.integration.console.axe import violations
from tests.integration.console.tab import Tab
from tests.integration.song import Cloud, request
from tests.integration.use_cases.accounts.test_money import Customer, customer

OpenTab = Callable[..., Tab]
PHONE = {"width": 390, "height": 844}
PAGES = {"try": "Try", "jobs": "Jobs", "models": "Models", "usage": "Usage", "account": "Account"}
MANY = 5000
READ = 300
"""Of so many the newest can be read whole."""


@pytest.fixture
def manager(cloud: Cloud) -> Customer:
    """A tenant with a song, whose key may do everything."""
    tenant = customer(cloud)
    scopes = ["account:manage", "account:read", "jobs:read", "jobs:write"]
    key = cloud.manage(action="issue_key", tenant_id=tenant.tenant_id, scopes=scopes)["api_key"]
    tenant.finished(tenant.order(request("a song for every page", title="Everywhere"))["id"])
    return Customer(cloud, tenant.tenant_id, key)


def shown(tab: Tab, name: str, heading: str) -> None:
    """Open a page and wait until it has what it asks the API for."""
    tab.go(name)
    tab.page.get_by_role("heading", name=heading, level=1).wait_for()
    tab.page.wait_for_load_state("networkidle")


def test_every_page_is_accessible_in_light_and_dark_and_fits_a_phone(manager: Customer, open_tab: OpenTab) -> None:
    job_id = manager.get("/v1/jobs")["data"][0]["id"]
    # Colours that are on their way from light to dark are neither.
    tab = open_tab(None, reduced_motion="reduce")
    page = tab.page
    found = {"sign in": violations(page)}
    tab.sign_in(manager.api_key)
    page.get_by_role("heading", name="Try").wait_for()
    page.get_by_role("button", name="Rainy folk").click()
    for name, heading in {**PAGES, f"jobs/{job_id}": "Everywhere"}.items():
        shown(tab, name, heading)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found[f"{name} {scheme}"] = violations(page)
        page.set_viewport_size(PHONE)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found[f"{name} on a phone"] = ["it scrolls sideways"]
        page.set_viewport_size({"width": 1280, "height": 800})
    assert {name: each for name, each in found.items() if each} == {}


def test_a_customer_signs_in_orders_and_hears_with_the_keyboard_alone(manager: Customer, open_tab: OpenTab) -> None:
    tab = open_tab(None)
    keys = tab.page.keyboard
    tab.page.get_by_label("API key").focus()
    keys.type(manager.api_key)
    keys.press("Enter")
    tab.page.get_by_role("heading", name="Try").wait_for()
    tab.page.get_by_label("Model", exact=True).focus()
    keys.type("minimax/music-1.5")
    keys.press("Tab")
    keys.press("Enter")
    tab.page.get_by_role("button", name="Order for 6 credits").focus()
    keys.press("Enter")
    tab.page.get_by_role("button", name="Play Song").focus()
    keys.press("k")
    tab.plays()


def test_an_account_shows_its_money_and_issues_a_key_that_works(
    cloud: Cloud, manager: Customer, open_tab: OpenTab
) -> None:
    tab = open_tab(manager.api_key)
    page = tab.page
    shown(tab, "account", "Account")
    tab.says("270")
    page.get_by_label("Name", exact=True).fill("shop")
    page.get_by_role("button", name="Issue the key").click()
    key = page.locator("code.secret").inner_text()
    with cloud.http(key) as http:
        assert http.get("/v1/account").json()["balance_credits"] == 270
    page.get_by_label("Address").fill("http://10.0.0.1/hook")
    page.get_by_role("button", name="Set", exact=True).click()
    page.get_by_role("alert").wait_for()

    shown(tab, "usage", "Usage")
    page.get_by_role("img", name="Credits spent by day and model").locator("rect").wait_for()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as CSV (usage)").click()
    lines = saved.value.path().read_text("utf-8").splitlines()
    assert [line.partition(",")[0] for line in lines][:1] == ["finished_at"]
    assert len(lines) == 2


def test_models_are_compared_by_price_time_and_abilities(cloud: Cloud, open_tab: OpenTab) -> None:
    tab = open_tab(cloud.line["api_key"])
    page = tab.page
    shown(tab, "models", "Models")
    with cloud.http() as http:
        models = http.get("/v1/models").json()["data"]
    column = (
        "[...document.querySelectorAll('tbody tr')].map(row => Number(row.cells[3].querySelector('strong').innerText))"
    )
    assert page.evaluate(column) == sorted(model["unit_credits"] for model in models)
    page.get_by_role("button", name="Price").click()
    assert page.evaluate(column) == sorted((model["unit_credits"] for model in models), reverse=True)
    tab.says("Cheapest song")
    page.get_by_role("link", name="minimax/music-1.5").last.click()
    assert page.get_by_label("Model", exact=True).input_value() == "minimax/music-1.5"


def seeded(cloud: Cloud, tenant: Customer) -> list[str]:
    """The ids of thousands of jobs written straight into the table, the newest first: copies of a refused one."""
    table = cloud.line["outputs"]["TableName"]
    cloud.fault("minimax", "code:1026", "create", "one of many")
    first = tenant.order(request("one of many", title="One of many"))["id"]
    with cloud.http(tenant.api_key) as http:
        cloud.until(lambda: http.get(f"/v1/jobs/{first}").raise_for_status().json()["status"] == "failed")
    rows = cloud.aws("dynamodb").query(
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"JOB#{first}"}},
    )["Items"]
    noon = datetime(2026, 11, 1, 12, tzinfo=UTC)
    ids = [new_job_id(noon + timedelta(seconds=number), number.to_bytes(10)) for number in range(MANY)]

    def copies() -> Iterator[dict[str, Any]]:
        for number, job_id in enumerate(ids):
            # What lies too far back to be shown is only counted: its row is enough.
            for row in rows if number >= MANY - READ else [row for row in rows if row["sk"]["S"] == "JOB"]:
                named = {"pk": {"S": f"JOB#{job_id}"}} | ({"id": {"S": job_id}} if "id" in row else {})
                yield {"PutRequest": {"Item": {**row, **named}}}

    writes = copies()
    while requests := list(islice(writes, 25)):
        cloud.aws("dynamodb").batch_write_item(RequestItems={table: requests})
    return [first, *reversed(ids)]


def test_of_thousands_of_jobs_few_rows_are_in_the_page_and_a_search_looks_through_all(
    cloud: Cloud, open_tab: OpenTab
) -> None:
    tenant = customer(cloud)
    ids = seeded(cloud, tenant)
    tab = open_tab(tenant.api_key)
    page = tab.page
    shown(tab, "jobs", "Jobs")
    page.locator(".row").first.wait_for()
    rows = "[...document.querySelectorAll('.row')].map(row => row.hash.slice(-30))"
    assert page.evaluate(rows)[:3] == ids[:3]

    scrolled = """() => {
        scrollTo(0, document.body.scrollHeight);
        return Number(document.querySelector('li[aria-setsize]')?.ariaSetSize) >= 150;
    }"""
    page.wait_for_function(scrolled)
    assert len(page.evaluate(rows)) < 60
    tab.says("+ jobs")
    page.get_by_label("State").select_option("succeeded")
    tab.says("No job fits this search")
