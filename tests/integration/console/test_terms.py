"""The terms of an order on the Try page, and what a job's page says of its sound."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.integration.console.axe import violations
from tests.integration.console.tab import Tab
from tests.integration.song import LYRICS, Cloud, request
from tests.integration.use_cases.accounts.test_money import Customer, customer
from tests.integration.use_cases.orders.test_measured_tracks import measuring
from tests.integration.use_cases.orders.test_references import MUSIC_01, song, upload
from tests.support.browser import NODE_PACKAGES, Page

OpenTab = Callable[..., Tab]
MODEL, NEXT = "minimax/music-2.5", "skillboss/music-2.5"
PROGRAMS = {
    "curl": ["bash", "-c"],
    "Python": [sys.executable, "-c"],
    "JavaScript": [str(NODE_PACKAGES.parent / "bin" / "node"), "--input-type=module", "--eval"],
    "fermata": ["bash", "-c"],
}


def message(problem: dict[str, Any], pointer: str) -> str:
    (found,) = [each["message"] for each in problem["errors"] if each["pointer"] == pointer]
    return str(found)


def more(page: Page) -> None:
    page.get_by_text("More: title").click()


def beside(page: Page, label: str) -> str:
    """What the API says beside a field."""
    field = page.get_by_label(label, exact=True)
    said = page.locator(f"[id='{field.get_attribute('id')}-error']")
    said.wait_for()
    return str(said.inner_text())


def test_every_term_of_an_order_is_sent_and_what_the_api_says_of_one_stands_beside_it(
    cloud: Cloud, open_tab: OpenTab
) -> None:
    tenant = customer(cloud)
    tab = open_tab(tenant.api_key, timezone_id="America/New_York", reduced_motion="reduce")
    page = tab.page
    tab.choose(MODEL, Style="an order with terms", Lyrics=LYRICS)
    more(page)
    page.get_by_label("Post the end to").fill("http://10.0.0.1/hook")
    page.get_by_label("At most, in credits").fill("10")
    page.get_by_label("Not wanted after").fill("2026-11-01T12:00")
    with cloud.http(tenant.api_key) as http:
        links = http.post("/v1/quote", json=request("an order with terms", callback_url="http://10.0.0.1/hook")).json()
        past = {"finish_by": "2026-11-01T16:00:00.000Z"}
        late = http.post("/v1/quote", json=request("an order with terms", **past)).json()
        dear = http.post("/v1/quote", json=request("an order with terms", max_credits=10)).json()
    # The API looks at links first, then at moments, then at the price.
    assert beside(page, "Post the end to") == message(links, "/callback_url")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.get_by_label("Post the end to").fill("")
    # Then follow moments of the answer's own time.
    assert beside(page, "Not wanted after")[:40] == message(late, "/finish_by")[:40]
    page.get_by_label("Not wanted after").fill("")
    assert beside(page, "At most, in credits") == message(dear, "/max_credits")

    wanted_by = datetime.now(ZoneInfo("America/New_York")).replace(second=0, microsecond=0) + timedelta(hours=1)
    page.get_by_label("Not wanted after").fill(f"{wanted_by:%Y-%m-%dT%H:%M}")
    page.get_by_label("At most, in credits").fill("70")
    page.get_by_label("If the model cannot make it").select_option("these")
    page.get_by_label("first", exact=True).select_option(NEXT)
    page.get_by_label("Ask the next model even where").check()
    page.get_by_label("Metadata").fill("order = 42\nno pair")
    tab.says("Expected name = value, found “no pair”. This line is not sent.")
    page.get_by_label("Metadata").fill("order = 42")
    page.get_by_role("button", name="Order for").click()
    job_id = tab.job_id()
    with cloud.http(tenant.api_key) as http:
        sent = http.get(f"/v1/jobs/{job_id}?include=request").json()["request"]
    terms = {"fallbacks": [NEXT], "on_unknown": "fallback", "max_credits": 70, "metadata": {"order": "42"}}
    assert {name: sent[name] for name in terms} == terms
    assert datetime.fromisoformat(sent["finish_by"]) == wanted_by


def code_in(page: Page, language: str) -> str:
    page.get_by_role("button", name=language, exact=True).click()
    return str(page.get_by_label(f"The request as {language}").inner_text())


def repeat(language: str, code: str, tenant: Customer, folder: Path) -> None:
    """Run what the page shows for a language, to its end."""
    environment = {
        **os.environ,
        "FERMATA_API_KEY": tenant.api_key,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    ran = subprocess.run(
        [*PROGRAMS[language], code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


def test_the_request_as_code_is_the_same_purchase_in_every_language(
    cloud: Cloud, open_tab: OpenTab, tmp_path: Path
) -> None:
    prompt = 'it\'s one "purchase" in $FOUR `languages`'
    tenant = customer(cloud)
    tab = open_tab(tenant.api_key)
    page = tab.page
    tab.choose(MODEL, Style=prompt, Lyrics=LYRICS)
    more(page)
    page.get_by_label("Title", exact=True).fill("Four times")
    page.get_by_label("If the model cannot make it").select_option("these")
    page.get_by_label("first", exact=True).select_option(NEXT)
    page.get_by_label("Listen while it is being made").uncheck()  # The command line has no option for it.
    for language in PROGRAMS:
        repeat(language, code_in(page, language), tenant, tmp_path)
    page.get_by_role("button", name="Order for").click()
    assert [job["id"] for job in tenant.get("/v1/jobs")["data"]] == [tab.job_id()]
    assert len(cloud.posts("minimax", sha256(prompt.encode()).hexdigest())) == 1


def test_a_jobs_page_says_loudness_peak_and_marks_and_has_the_file_as_the_provider_sent_it(
    cloud: Cloud, open_tab: OpenTab
) -> None:
    with measuring(cloud):
        job = cloud.made(request("measured and marked", title="Loud"))
        cloud.until(lambda: cloud.job(job["id"])["tracks"][0]["true_peak_dbtp"] is not None)
    tab = open_tab(cloud.line["api_key"])
    page = tab.page
    tab.go(f"jobs/{job['id']}")
    tab.says("Says that a model made it in its own tags")
    track = cloud.job(job["id"])["tracks"][0]
    for value, unit in ((track["loudness_lufs"], "LUFS"), (track["true_peak_dbtp"], "dBTP")):
        tab.says(f"{value:.1f} {unit}".replace("-", "\N{MINUS SIGN}"))
    with page.expect_download() as saved:
        page.get_by_role("button", name="The provider\N{RIGHT SINGLE QUOTATION MARK}s file").click()
    assert sha256(saved.value.path().read_bytes()).hexdigest() == track["source_sha256"] != track["sha256"]
    assert page.get_by_role("heading", name="Loud", level=1).is_visible()


def test_a_recording_of_an_earlier_job_is_offered_by_its_name_and_sung_after_without_another_upload(
    cloud: Cloud, open_tab: OpenTab
) -> None:
    made = cloud.made({**song("the first in this voice", MUSIC_01, {"id": upload(cloud)}), "title": "First take"})
    tab = open_tab(cloud.line["api_key"])
    page = tab.page
    tab.go(f"jobs/{made['id']}")
    tab.says(made["reference"]["voice_id"])
    page.get_by_role("button", name="Another song after this recording").click()
    known = page.get_by_label("Of an earlier job")
    page.wait_for_function(
        "() => [...document.querySelectorAll('option')].some(each => each.text.includes('First take'))"
    )
    assert json.loads(known.input_value()) == made["reference"]
    assert page.get_by_label("Upload a file").count() == 0
    label = page.evaluate(
        "[...document.querySelectorAll('option')].find(each => /First take.*: voice$/.test(each.text)).text"
    )
    known.select_option(label=label)
    page.get_by_role("button", name="Order for").click()
    with cloud.http() as http:
        sent = http.get(f"/v1/jobs/{tab.job_id()}?include=request").json()["request"]
    assert sent["reference"] == {"voice_id": made["reference"]["voice_id"]}
