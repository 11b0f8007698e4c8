"""One file of 5,000 lines in the inbox of the whole cloud: every good line is one job, every other is told of."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.integration.cloud_process import running_cloud
from tests.integration.song import Cloud, request
from tests.integration.use_cases.triggers.inbox import Inbox, batch, invocations
from tests.soak.alarms import raised
from tests.soak.part import Found

NAME: Final = "orders.jsonl"
_LINES: Final = (4700, 200, 100)
_SMOKE: Final = (16, 3, 1)
"""Good lines, lines that are no JSON object, and lines that are no request."""
_WITHIN_S: Final = 25 * 60
_AMOUNT: Final = 1_000_000
_ARGUMENTS: Final = ("--provider-latency", "0", "--param", "StartTimeoutSeconds=90", "--param", "StartBySeconds=3600")


def soak(*, smoke: bool, seed: int, until: float) -> Iterator[Found]:  # noqa: ARG001 (every part is called so)
    """Put the file in, have S3 tell of it twice, and read what is told of it; once begun it is not cut short."""
    with TemporaryDirectory() as scratch, running_cloud(_ARGUMENTS, Path(scratch)) as line:
        yield _played(Cloud(line), *(_SMOKE if smoke else _LINES))


def _played(cloud: Cloud, good: int, bad: int, refused: int) -> Found:
    _close_the_account(cloud)
    inbox, begun = Inbox.on(cloud, _AMOUNT), time.monotonic()
    body, bad_numbers = batch(good, bad, refused)
    inbox.tell_again(NAME, inbox.put_in(NAME, body), len(body))
    told = inbox.told(NAME, "completed.json", _WITHIN_S)
    took_s = time.monotonic() - begun
    counts = {name: told[name] for name in ("lines", "accepted", "bad", "refused", "failed")}
    wanted = {"lines": good + bad + refused, "accepted": good, "bad": bad, "refused": refused, "failed": 0}
    broken = [] if counts == wanted else [f"{counts} instead of {wanted}"]
    broken += _wrong_with(inbox, told, bad_numbers, good)
    # Thousands of orders in a minute, of a provider that shut the account out: of that alone a person hears.
    heard = raised(Path(cloud.line["logs_dir"]))
    if heard != {"ProviderDisabledAlarm"}:
        broken.append(f"raised {sorted(heard)} instead of ProviderDisabledAlarm alone")
    runs = invocations(cloud, "SubmitLineFunction")
    return Found(f"{counts['lines']} lines told of after {took_s:.0f} s, {runs} runs of submit_line", tuple(broken))


def _close_the_account(cloud: Cloud) -> None:
    """Let every job end at once, unpaid: only submitting is looked at, and a thousand songs would hide it."""
    cloud.made(request("closes the account [[fault:code:2044]]"))


def _wrong_with(inbox: Inbox, told: dict[str, Any], bad_numbers: list[int], good: int) -> Iterator[str]:
    reported = [json.loads(line)["line"] for line in inbox.read(told["bad_lines"]).splitlines()]
    if reported != bad_numbers:
        yield f"bad lines {reported} instead of {bad_numbers}"
    accepted = [name for name in inbox.names(f"{NAME}/") if name.endswith(".accepted.json")]
    jobs = inbox.jobs_of(accepted)
    if len(jobs) != good:
        yield f"{len(jobs)} jobs for {good} good lines"
    key = inbox.cloud.manage(action="issue_key", tenant_id=inbox.tenant_id)["api_key"]
    with inbox.cloud.http(key) as http:

        def books() -> tuple[int, int, int]:
            account = http.get("/v1/account").raise_for_status().json()
            return account["balance_credits"], account["held_credits"], account["spent_credits"]

        inbox.cloud.until(lambda: books()[1] == 0, _WITHIN_S)
        if books() != (_AMOUNT, 0, 0):
            yield f"balance, held and spent are {books()} although nothing was delivered"
    # One job of another tenant closed the account.
    ended = inbox.cloud.count("failed") - 1
    if ended != good:
        yield f"{ended} jobs ended for {good} good lines"
