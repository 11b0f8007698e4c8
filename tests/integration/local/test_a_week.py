"""A week in the life of a cloud on one machine: killed, edited and stopped while songs are made, it loses none, and
nobody pays twice.
"""

import re
import signal
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest

from fermata_client import Fermata, webhooks
from tests.integration.cloud_process import is_alive, until
from tests.integration.song import LYRICS, TERMINAL, Cloud
from tests.support.week import (
    AT_ONCE,
    MODELS,
    Week,
    a_week,
    all_succeeded,
    charged_prompts,
    interrupted,
    order_by_agent,
    order_by_client,
    order_by_command,
    plays,
)

SAME: Final = ("api_url", "aws_endpoint_url", "owner", "secret_access_key", "outputs", "simulators", "tenant")
SHORT_CLAIMS: Final = ("ReadGapSeconds=90", "StartTimeoutSeconds=120")
"""What the kill interrupts ends as unknown once its claim is over."""
LONG_CLAIMS: Final = ("ReadGapSeconds=300", "StartTimeoutSeconds=400")
"""A paid request may hang for as long as this machine needs to reload."""
PROBLEMS: Final = "layers/fermata/fermata/domain/web/problem.py"
READ_JOBS: Final = "functions/read_jobs/app.py"
TITLE: Final = "The resource does not exist"
LOST: Final = "a song on the wire"
A_DAY_S: Final = 86_400


def until_the_kill(week: Week) -> tuple[dict[str, Any], list[str], str]:
    """Return the cloud's line, the hashes of ten finished songs, and the job whose paid request the kill cuts off."""
    with week.started(*SHORT_CLAIMS) as (cloud, process):
        shop = week.opens(cloud)
        ten = [week.order(shop, f"song {number} of ten", MODELS[number % len(MODELS)]) for number in range(10)]
        all_succeeded(shop, ten)
        songs = [plays(shop.job(job_id)) for job_id in ten]
        week.delivered(shop, ten)
        week.under_way(shop, "a song during the kill")
        body = {"model": AT_ONCE, "prompt": f"[[fault:hang:600]] {LOST}", "lyrics": LYRICS}
        lost = str(shop.submit(body)["id"])
        digest = sha256(body["prompt"].encode()).hexdigest()
        shop.until(lambda: shop.posts("minimax", digest))
        children = process.children()
        process.stop(signal.SIGKILL)
    until(lambda: not any(map(is_alive, children)), "no child outlives the cloud")
    return dict(cloud.line), songs, lost


def answer_of(shop: Cloud, path: str) -> tuple[int, str]:
    """Return the status and the text of an answer that need not be documented, because the source was edited."""
    with shop.http() as http:
        http.event_hooks = {}
        answer = http.get(path)
    return answer.status_code, answer.text


def edit(week: Week, shop: Cloud, stderr: Path) -> None:
    """Save the layer while a paid request hangs, then a handler with a new answer, with an error and as it was."""
    prompt, unknown = "a song during an edit", "/v1/jobs/job_00000000000000000000000000"
    shop.fault("minimax", "stream_hold", "create", prompt)
    held = week.order(shop, prompt, AT_ONCE, live=True)
    digest = sha256(prompt.encode()).hexdigest()
    shop.until(lambda: shop.posts("minimax", digest))
    week.save(PROBLEMS, week.text(PROBLEMS).replace(TITLE, "Nothing is here"))
    assert '"title": "Nothing is here"' in answer_of(shop, unknown)[1]
    assert shop.job(held)["status"] not in TERMINAL
    shop.release("minimax")
    all_succeeded(shop, [held])

    good = week.text(READ_JOBS)
    new = 'return Response(200, "text/plain", "a new answer")'
    week.save(READ_JOBS, good.replace("    job = find_job(", f"    {new}\n    job = find_job("))
    assert answer_of(shop, f"/v1/jobs/{held}/attempts") == (200, "a new answer")
    line = good.count("\n") + 1
    week.save(READ_JOBS, good + "def broken(:\n")
    for status, text in (answer_of(shop, unknown) for _ in range(2)):
        assert status == 500
        assert f"{READ_JOBS}, line {line}: invalid syntax" in text
    week.save(READ_JOBS, good)
    assert answer_of(shop, unknown)[0] == 404
    said = stderr.read_text("utf-8")
    assert len(re.findall(rf"error: {READ_JOBS}, line {line}: invalid syntax", said)) == 1
    assert f"reloaded {READ_JOBS}" in said
    week.save("template.yaml", week.text("template.yaml") + "\n")
    restart = "template.yaml changed: stop this cloud and start it again to apply it"
    until(lambda: restart in stderr.read_text("utf-8"), restart)


def after_the_kill(week: Week, first: dict[str, Any], songs: list[str], lost: str) -> None:
    """Find everything as it was, edit the code, order in each of three ways, and press Ctrl-C during three songs."""
    with week.started(*LONG_CLAIMS) as (shop, process):
        assert {name: shop.line[name] for name in SAME} == {name: first[name] for name in SAME}
        ten, three = list(week.ordered)[:10], list(week.ordered)[10:]
        assert [plays(shop.job(job_id)) for job_id in ten] == songs
        week.clock.go_on()
        all_succeeded(shop, three)
        edit(week, shop, process.said_to_people)
        order_by_client(week, shop, "a song of the client")
        order_by_command(week, shop, "a song of the command line")
        order_by_agent(week, shop, "a song of an agent")
        unknown = shop.finished(lost)
        assert (unknown["status"], unknown["error"]["class"]) == ("failed", "unknown_outcome")
        shop.run_schedule("reap_jobs")
        week.delivered(shop, [*week.ordered, lost])
        week.under_way(shop, "a song during Ctrl-C")
        assert interrupted(process) == 0, process.stderr()
        assert "Traceback" not in process.stderr()


def spent_in(fermata: Fermata) -> list[tuple[str, int]]:
    """Return the job and the credits of each entry of the ledger that says what was spent."""
    return [(str(entry.job_id), entry.credits) for entry in fermata.ledger() if entry.kind == "spend"]


def once_and_paid_once(week: Week, shop: Cloud, lost: str) -> None:
    """Compare the providers' bills, the ledger, the wallet and the shop's webhooks."""
    bought = [*week.ordered.values(), f"[[fault:hang:600]] {LOST}"]
    assert charged_prompts(shop, week) == sorted(sha256(prompt.encode()).hexdigest() for prompt in bought)
    with Fermata(week.api_key, shop.line["api_url"]) as fermata:
        wallet = fermata.account()
        # A ledger ends ten seconds before now.
        until(lambda: len(spent_in(fermata)) >= len(week.ordered), "the ledger is complete")
        spent, moved = spent_in(fermata), list(fermata.ledger())
        prices = {job_id: fermata.job(job_id).status().price_credits for job_id in week.ordered}
    assert sorted(spent) == sorted(prices.items())
    assert moved[-1].balance_credits == wallet.balance_credits
    assert [entry.job_id for entry in moved if entry.kind == "refund"] == [lost]
    assert (wallet.spent_credits, wallet.held_credits, wallet.in_flight_jobs) == (sum(prices.values()), 0, 0)
    posts = week.receiver.at("/shop")
    told = [webhooks.verify(week.secret, post.body, post.headers, tolerance_s=A_DAY_S).job_id for post in posts]
    assert Counter(told) == Counter([*week.ordered, lost])


@pytest.mark.long
def test_a_cloud_that_is_killed_edited_and_stopped_loses_no_song_and_pays_for_none_twice(tmp_path: Path) -> None:
    with a_week(tmp_path) as week:
        first, songs, lost = until_the_kill(week)
        after_the_kill(week, first, songs, lost)
        with week.started() as (shop, process):
            week.clock.go_on()
            all_succeeded(shop, week.ordered)
            week.delivered(shop, week.ordered)
            once_and_paid_once(week, shop, lost)
            assert process.stop() == 0, process.stderr()
            assert "Traceback" not in process.stderr()
