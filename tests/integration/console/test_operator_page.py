"""The operator's page of the laptop in a browser: readable, safe with what providers say, and not for others."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.integration.cloud_process import PATIENCE_S
from tests.integration.console.axe import violations
from tests.integration.song import TLS, Cloud, request
from tests.integration.use_cases.accounts.test_money import customer
from tests.support.browser import Page, complaints_of

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}
SCRIPT = "<script>window.ran=1</script><img src=x onerror=window.ran=1>"
OpenPage = Callable[..., Page]


@pytest.fixture
def origin(cloud: Cloud) -> str:
    address = httpx.URL(cloud.line["operator_url"])
    return f"{address.scheme}://{address.netloc.decode()}"


@pytest.fixture
def open_page(browser: Any, cloud: Cloud, origin: str) -> Iterator[OpenPage]:  # noqa: ANN401 - Playwright's types are elsewhere
    """Open a path of the page as an operator does who followed the printed address. A page that failed, or did what its
    Content-Security-Policy refuses, fails the test.
    """
    opened: list[tuple[Any, list[str]]] = []

    def start(path: str = "/", **settings: object) -> Page:
        context = browser.new_context(reduced_motion="reduce", **settings)
        context.set_default_timeout(PATIENCE_S * 1000)
        page = context.new_page()
        opened.append((context, complaints_of(page)))
        page.goto(cloud.line["operator_url"])
        page.goto(f"{origin}{path}")
        return page

    yield start
    for context, complaints in opened:
        context.close()
        assert complaints == []


def card(page: Page, provider: str, what: str) -> Any:  # noqa: ANN401 - Playwright's types are elsewhere
    return page.locator(f"section[aria-labelledby='{what}-{provider}']")


def test_every_page_is_accessible_in_light_and_dark_and_fits_a_phone(cloud: Cloud, open_page: OpenPage) -> None:
    job_id = cloud.made(request("a job for every page of the operator"))["id"]
    cloud.ended_execution(job_id)
    paths = (
        *("/", "/executions", f"/executions/MusicJobMachine/{job_id}", "/table", f"/table?partition=JOB%23{job_id}"),
        *("/objects", "/objects?prefix=nothing", f"/logs/{job_id}", "/logs/job_of_nobody", "/nowhere"),
    )
    page, found = open_page(), {}
    origin = page.evaluate("location.origin")
    for path in paths:
        page.goto(f"{origin}{path}")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found[f"{path} {scheme}"] = violations(page)
        for openness in ("closed", "open"):
            page.evaluate(
                "all => document.querySelectorAll('details').forEach(each => each.open = all)", openness == "open"
            )
            page.set_viewport_size(PHONE)
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found[f"{path} on a phone, {openness}"] = ["it scrolls sideways"]
            page.set_viewport_size(DESK)
    assert {name: each for name, each in found.items() if each} == {}


def test_who_has_no_token_or_a_wrong_one_reads_what_to_do_and_nothing_else(
    browser: Any,  # noqa: ANN401 - Playwright's types are elsewhere
    cloud: Cloud,
    origin: str,
) -> None:
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_S * 1000)
    page = context.new_page()
    for address in (origin, f"{origin}/?token=wrong", f"{origin}/table", f"{origin}/api/"):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 401
        assert page.locator("body").inner_text().strip() == (
            "expected the token: open the address that the cloud printed at its start"
        )
    page.goto(cloud.line["operator_url"])
    page.get_by_role("heading", name="Providers", level=1).wait_for()
    assert "token" not in page.url
    context.close()


def test_a_fault_is_set_at_a_click_seen_waiting_and_met_by_the_next_order_that_fits(
    cloud: Cloud, open_page: OpenPage
) -> None:
    prompt = "a prompt that the operator breaks"
    page = open_page()
    simulator = card(page, "minimax", "simulator")
    simulator.get_by_label("Prompt has").fill(prompt)
    simulator.get_by_text("kinds of faults").click()
    with page.expect_navigation():
        simulator.get_by_role("button", name="empty", exact=True).click()
    assert prompt in simulator.locator("li").inner_text()

    tenant = customer(cloud)
    job_id = tenant.order(request(prompt))["id"]
    cloud.until(lambda: tenant.get(f"/v1/jobs/{job_id}")["status"] == "failed")
    page.reload()
    assert prompt not in simulator.inner_text()


def test_a_fault_with_an_argument_is_begun_and_one_that_is_none_is_refused_in_words(open_page: OpenPage) -> None:
    page = open_page()
    simulator = card(page, "skillboss", "simulator")
    simulator.get_by_text("kinds of faults").click()
    simulator.get_by_role("button", name="http:<n>", exact=True).click()
    page.keyboard.type("503")
    assert simulator.get_by_label("Fault", exact=True).input_value() == "http:503"
    simulator.get_by_label("Fault", exact=True).fill("nonsense")
    simulator.get_by_role("button", name="Set the fault").click()
    page.get_by_text("unknown fault 'nonsense'").wait_for()


def test_a_provider_is_paused_and_resumed_by_its_buttons(open_page: OpenPage) -> None:
    page = open_page()
    provider = card(page, "aimlapi", "provider")
    with page.expect_navigation():
        provider.get_by_role("button", name="Pause").click()
    provider.get_by_text("paused by").wait_for()
    with page.expect_navigation():
        provider.get_by_role("button", name="Resume").click()
    provider.get_by_text("takes orders").wait_for()


def test_an_execution_is_drawn_with_the_states_that_it_entered_and_the_way_between_them(
    cloud: Cloud, open_page: OpenPage
) -> None:
    job_id = cloud.made(request("drawn by the operator"))["id"]
    states = list(dict.fromkeys(cloud.states(job_id)))
    page = open_page("/executions")
    page.get_by_role("link", name=job_id).click()
    drawing = page.get_by_role("img", name="States entered")
    assert drawing.get_attribute("aria-label") == f"States entered: {', '.join(states)}"
    entered = "[...document.querySelectorAll('.box.entered text')].map(each => each.textContent).sort()"
    assert page.evaluate(entered) == sorted(states)
    assert page.locator(".box:not(.entered)").count() > 0
    assert page.locator(".arrow.taken").count() >= len(states) - 1
    first = page.locator(".states > li").first
    first.get_by_text("Input").click()
    assert job_id in first.locator("pre").first.inner_text()
    page.get_by_role("link", name="items").click()
    page.get_by_text(f"JOB#{job_id}").first.wait_for()


def test_what_a_provider_or_a_customer_says_is_shown_as_text_and_runs_nothing(
    cloud: Cloud, open_page: OpenPage
) -> None:
    job_id = cloud.made(request(f"said to the operator {SCRIPT}", title=SCRIPT))["id"]
    cloud.ended_execution(job_id)
    message = f"the provider said {SCRIPT}"
    table = cloud.line["outputs"]["TableName"]
    cloud.aws("dynamodb").put_item(
        TableName=table, Item={"pk": {"S": "SAID#operator"}, "sk": {"S": SCRIPT}, "message": {"S": message}}
    )
    bucket = cloud.line["outputs"]["AudioBucketName"]
    cloud.aws("s3").put_object(Bucket=bucket, Key=f"said/{SCRIPT}", Body=b"")
    page = open_page("/table?partition=SAID%23operator")
    origin = page.evaluate("location.origin")
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    page.get_by_text(message).first.wait_for()
    for path in ("/objects?prefix=said/", f"/logs/{job_id}", f"/executions/MusicJobMachine/{job_id}"):
        page.goto(f"{origin}{path}")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.ran") is None
        assert page.locator("main script, main img").count() == 0, path
    page.goto(f"{origin}/objects?prefix=said/")
    page.get_by_text(SCRIPT).wait_for()
    assert httpx.get(f"{origin}/objects", verify=TLS).status_code == 401
