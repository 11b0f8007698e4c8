"""The console when keys die, the API asks for patience, links expire, and servers say what they should not."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.console.tab import Tab
from tests.integration.song import Cloud, request
from tests.integration.use_cases.accounts.test_money import customer

OpenTab = Callable[..., Tab]
SCRIPTS = (
    "<img src=x onerror=window.ran=1>",
    "<script>window.ran=1</script>",
    '"><svg onload=window.ran=1>',
    "javascript:window.ran=1",
    "{{constructor.constructor('window.ran=1')()}}",
    "</textarea><iframe srcdoc='<script>parent.ran=1</script>'>",
)
"""What would run where a text became HTML, an address or a template."""


def test_a_wrong_key_is_refused_in_words_and_a_key_that_dies_leads_back_to_signing_in(
    cloud: Cloud, open_tab: OpenTab
) -> None:
    tenant = customer(cloud, 0)
    tab = open_tab("fk_wrongkey_wrong")
    tab.says("This key does not work")
    tab.sign_in(tenant.api_key)
    tab.page.get_by_role("heading", name="Try").wait_for()

    key_id = tenant.api_key.split("_")[1]
    cloud.manage(action="revoke_key", key_id=key_id)
    cloud.until(lambda: _is_refused(cloud, tenant.api_key))
    tab.go("jobs")
    tab.says("This key does not work")
    assert tenant.api_key not in tab.page.content()
    assert tab.page.evaluate("localStorage.length") == 0


def _is_refused(cloud: Cloud, api_key: str) -> bool:
    with cloud.http(api_key) as http:
        return http.get("/v1/jobs").status_code in (401, 403)


def test_an_api_that_is_busy_is_asked_again_when_it_says_and_an_order_stays_one_purchase(
    cloud: Cloud, open_tab: OpenTab
) -> None:
    prompt = "ordered at a busy moment"
    tenant = customer(cloud)
    tab = open_tab(tenant.api_key)
    keys: list[str] = []
    problem = '{"type":"urn:fermata:problem:unavailable","title":"Busy","status":503,"detail":"busy","errors":[]}'

    def busy_twice(route: Any) -> None:  # noqa: ANN401 - Playwright's types are elsewhere
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) > 2:
            route.continue_()
            return
        if len(keys) == 2:
            route.fetch()  # It arrives, and its answer is lost.
        headers = {"Retry-After": "1", "Content-Type": "application/problem+json"}
        route.fulfill(status=503, headers=headers, body=problem)

    tab.page.route(lambda url: url.endswith("/v1/jobs"), busy_twice)
    tab.choose("minimax/music-2.5", Style=prompt, Lyrics="[Verse]\nRain on the window")
    tab.order(30)
    tab.says("The API is busy (503). Trying again")
    job_id = tab.job_id()
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert [job["id"] for job in tenant.get("/v1/jobs")["data"]] == [job_id]


@pytest.mark.parametrize("asked_first", [True, False], ids=["after it was asked to play", "before"])
def test_an_expired_link_is_replaced_by_a_new_one_and_the_song_plays(
    cloud: Cloud, open_tab: OpenTab, asked_first: bool
) -> None:
    job = cloud.made(request("a link that expires", title="Kept open"))
    tab = open_tab(cloud.line["api_key"])
    files = f"{cloud.line['aws_endpoint_url']}/**/tracks/**"
    play = tab.page.get_by_role("button", name="Play Kept open")
    refused: list[str] = []

    def once_expired(route: Any) -> None:  # noqa: ANN401 - Playwright's types are elsewhere
        if route.request.resource_type != "media" or refused:
            route.continue_()
            return
        refused.append(route.request.url)
        if asked_first:
            play.click()
        route.fulfill(status=403, body="<Error><Code>AccessDenied</Code></Error>")

    tab.page.route(files, once_expired)
    tab.go(f"jobs/{job['id']}")
    if not asked_first:
        tab.page.wait_for_function("() => document.querySelector('audio')?.readyState > 0")  # By the new link.
        play.click()
    tab.plays()
    assert len(refused) == 1


def test_a_file_that_no_browser_plays_is_said(cloud: Cloud, open_tab: OpenTab) -> None:
    job = cloud.made(request("a file of no sound"))
    tab = open_tab(cloud.line["api_key"])
    files = f"{cloud.line['aws_endpoint_url']}/**/tracks/**"
    tab.page.route(files, lambda route: route.fulfill(body="no song", content_type="audio/mpeg"))
    tab.go(f"jobs/{job['id']}")
    tab.says("This browser cannot play audio/mpeg. Download the file")


def test_whatever_a_server_says_is_shown_as_text_and_runs_nothing(cloud: Cloud, open_tab: OpenTab) -> None:
    everything = "\n".join(SCRIPTS)
    body = request(everything, title=SCRIPTS[0], metadata={f"m{n}": text for n, text in enumerate(SCRIPTS)})
    job = cloud.made({**body, "lyrics": f"[Verse]\n{everything}"})
    message = f"The provider said {everything}"
    error = {"class": SCRIPTS[1], "code": SCRIPTS[2], "message": message, "retryable": False, "provider_charged": "no"}
    step = {"at": job["created_at"], "what": SCRIPTS[0], "detail": everything}
    tab = open_tab(cloud.line["api_key"])
    page = tab.page

    def says_more(route: Any) -> None:  # noqa: ANN401 - Playwright's types are elsewhere
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "error": error})

    page.route(lambda url: url.endswith(f"/v1/jobs/{job['id']}?include=request"), says_more)
    page.route("**/timeline", lambda route: route.fulfill(json={"data": [step], "next_cursor": None}))
    tab.go("jobs")
    tab.says(SCRIPTS[0])
    tab.go(f"jobs/{job['id']}")
    for text in (*SCRIPTS, message):
        tab.says(text.partition("\n")[0])
    page.get_by_role("button", name="Order again").click()
    tab.says("Order for 30 credits")
    assert page.evaluate("window.ran") is None
    assert page.locator("main iframe, main script, main img").count() == 0
