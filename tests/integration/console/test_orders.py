"""Ordering and hearing in a real browser: once, at the price on the button, and in words where it does not work."""

import subprocess
from collections.abc import Callable
from hashlib import sha256

from tests.integration.console.tab import Tab
from tests.integration.song import LYRICS, Cloud, request
from tests.integration.use_cases.accounts.test_money import customer

OpenTab = Callable[..., Tab]
MODEL = "minimax/music-2.5"


def digest_of(prompt: str) -> str:
    return sha256(prompt.encode()).hexdigest()


def test_a_double_click_buys_one_song_that_is_heard_and_the_copied_curl_line_is_the_same_order(
    cloud: Cloud, open_tab: OpenTab
) -> None:
    prompt = "a song that is clicked for twice"
    tenant = customer(cloud)
    tab = open_tab(tenant.api_key)
    page = tab.page
    tab.choose(MODEL, Style=prompt, Lyrics=LYRICS)
    page.get_by_label("Put my API key into the code").check()
    curl = page.get_by_label("The request as curl").inner_text()

    page.get_by_role("button", name="Order for 30 credits").dblclick()
    job_id = tab.job_id()
    repeated = subprocess.run(["bash", "-c", curl], capture_output=True, text=True, check=True).stdout
    assert f'"id": "{job_id}"' in repeated
    page.get_by_role("button", name="Play Song").click()
    tab.plays()
    tab.says("30 credits paid")

    assert tenant.account() == (270, 0, 30)
    assert len(cloud.posts("minimax", digest_of(prompt))) == 1
    page.get_by_role("link", name="270 credits").wait_for()
    page.get_by_label("Position in Song").press("End")
    page.wait_for_function("document.querySelector('audio').currentTime > 5")


def test_a_key_pressed_in_the_player_pauses_and_only_one_of_two_songs_is_heard(cloud: Cloud, open_tab: OpenTab) -> None:
    job = cloud.made({"model": "apiinone/suno", "prompt": "two songs", "instrumental": True, "title": "Twins"})
    tab = open_tab(cloud.line["api_key"])
    page = tab.page
    tab.go(f"jobs/{job['id']}")
    page.get_by_role("button", name="Play Song 1").click()
    tab.plays(0)
    page.get_by_role("button", name="Play Song 2").click()
    tab.plays(1)

    paused = "[...document.querySelectorAll('audio')].map(audio => audio.paused)"
    assert page.evaluate(paused) == [True, False]
    page.get_by_label("Position in Song 2").press("k")
    assert page.evaluate(paused) == [True, True]
    boxes = [page.get_by_role("region", name=f"Player: Song {number}").bounding_box() for number in (1, 2)]
    assert boxes[0]["y"] == boxes[1]["y"]


def test_an_order_that_waits_is_canceled_on_its_page_and_can_be_ordered_again_or_deleted(
    cloud: Cloud, open_tab: OpenTab
) -> None:
    prompt = "canceled in the console"
    tenant = customer(cloud)
    cloud.fault("minimax", "code:1002", "create", prompt, times=4)
    job_id = tenant.order(request(prompt, title="Taken back"))["id"]
    tab = open_tab(tenant.api_key)
    page = tab.page
    tab.go(f"jobs/{job_id}")
    page.get_by_role("button", name="Cancel the order").click()
    tab.says("Nothing paid; 30 credits returned")
    assert tenant.account() == (300, 0, 0)

    page.get_by_role("button", name="Order again").click()
    assert page.get_by_label("Style", exact=True).input_value() == prompt
    tab.go(f"jobs/{job_id}")
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete for good").click()
    tab.says("No job yet")


def test_who_lacks_credit_or_is_refused_reads_why_beside_the_field_and_nothing_is_ordered(
    cloud: Cloud, open_tab: OpenTab
) -> None:
    tenant = customer(cloud, 12)
    tab = open_tab(tenant.api_key)
    tab.choose(MODEL, Style="too dear", Lyrics=LYRICS)
    tab.order(30)
    tab.says("You have 12 credits available, and this needs 30. Nothing was ordered.")

    tab.choose(MODEL, Style="x" * 2001)
    tab.says("2,001 / 2,000")
    style = tab.page.get_by_label("Style", exact=True)
    said = tab.page.locator(f"[id='{style.get_attribute('id')}-error']")
    said.wait_for()
    with cloud.http(tenant.api_key) as http:
        problem = http.post("/v1/quote", json=request("x" * 2001)).json()
        assert http.get("/v1/jobs").json()["data"] == []
    assert said.inner_text() == problem["errors"][0]["message"]
    assert style.get_attribute("aria-invalid") == "true"


def test_a_provider_that_is_down_is_said_in_words_with_what_to_do_and_who_was_charged(
    cloud: Cloud, open_tab: OpenTab
) -> None:
    prompt = "the provider is down"
    cloud.fault("minimax", "http:500", "create", prompt)
    tab = open_tab(cloud.line["api_key"])
    tab.choose(MODEL, Style=prompt, Lyrics=LYRICS)
    tab.order(30)
    tab.says("Nothing paid; 30 credits returned")
    tab.says("Order it again")
    tab.page.get_by_role("link", name="Details").click()
    tab.says("Unknown whether the provider charged")
