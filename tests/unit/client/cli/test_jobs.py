"""`fermata jobs`: what is listed, shown, waited for, opened, canceled and deleted."""

import json
from pathlib import Path

import pytest

from tests.fakes.client.command_line import CommandLine
from tests.fakes.client.fake_fermata import JOB_ID, SONG, FakeFermata, problem, say

HOSTILE = "song\x1b[2J\x1b]8;;https://evil.example.com\x07\u202eexe.3pm\n../../etc"


@pytest.fixture
def user(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path, FakeFermata(states=["succeeded"]))


def test_a_list_ends_where_it_was_asked_to(user: CommandLine) -> None:
    page = [{**user.fermata.job("succeeded"), "id": f"job_{number}"} for number in range(3)]
    user.fermata.cues.extend([say(200, {"data": page, "next_cursor": "more"})] * 2)

    ran = user.type("jobs", "list", "--status", "succeeded", "--limit", "2")

    assert ran.code == 0
    assert [line.split()[0] for line in ran.out.splitlines()] == ["job", "job_0", "job_1"]
    assert user.fermata.requests[0].url.query == b"status=succeeded&limit=2"
    assert [job["id"] for job in user.type("jobs", "list", "--limit", "1", "--json").json()] == ["job_0"]


def test_jobs_are_found_by_model_days_and_metadata(user: CommandLine) -> None:
    user.fermata.cues.append(say(200, {"data": [], "next_cursor": None}))
    filters = "--model minimax/music-2.5 --from 2026-11-01 --to 2026-11-30 --metadata project=spring"

    assert user.type("jobs", "list", *filters.split()).code == 0
    assert user.fermata.requests[0].url.query == (
        b"model=minimax%2Fmusic-2.5&from=2026-11-01&to=2026-11-30&metadata.project=spring&limit=20"
    )
    assert user.type("jobs", "list", "--metadata", "spring").code == 2


def test_a_job_is_shown_without_its_links(user: CommandLine) -> None:
    ran = user.type("jobs", "show", JOB_ID)

    assert ran.code == 0
    assert "succeeded" in ran.out
    assert "30 credits (yes)" in ran.out
    assert "signature" not in ran.out + ran.errors
    assert user.type("jobs", "show", JOB_ID, "--json").json()["tracks"][0]["number"] == 1


@pytest.mark.parametrize("words", [["jobs", "show", JOB_ID], ["jobs", "list"]])
@pytest.mark.parametrize("as_json", [False, True])
def test_hostile_titles_reach_no_terminal_raw(user: CommandLine, words: list[str], as_json: bool) -> None:
    job = {**user.fermata.job("failed"), "title": HOSTILE, "metadata": {HOSTILE: HOSTILE}, "model": HOSTILE}
    job["error"] = {"class": HOSTILE, "message": HOSTILE, "retryable": False}
    user.fermata.cues.append(say(200, job if "show" in words else {"data": [job], "next_cursor": None}))

    ran = user.type(*words, *(["--json"] if as_json else []))

    assert ran.code == 0
    assert all(line.isprintable() for line in (ran.out + ran.errors).splitlines())
    assert not as_json or ran.out.isascii()


def test_waiting_saves_the_file(user: CommandLine) -> None:
    ran = user.type("jobs", "wait", JOB_ID, "-o", str(user.folder / "song.mp3"))

    assert ran.code == 0
    assert (user.folder / "song.mp3").read_bytes() == SONG
    assert user.type("jobs", "wait", JOB_ID, "--json").json()["files"] == []


def test_a_track_is_opened_from_a_fresh_link_that_is_not_printed(user: CommandLine) -> None:
    ran = user.type("jobs", "open", JOB_ID)

    assert (ran.code, ran.out, ran.errors) == (0, "", "")
    assert user.launched == ["https://files.example.com/1.mp3?signature=2"]


def test_a_job_without_a_track_opens_nothing(user: CommandLine) -> None:
    user.fermata.states = ["generating"]

    assert user.type("jobs", "open", JOB_ID).code == 6
    assert user.launched == []


def test_a_job_is_canceled(user: CommandLine) -> None:
    assert user.type("jobs", "cancel", JOB_ID, "--json").json()["status"] == "canceled"
    user.fermata.canceled = False
    assert "canceled" in user.type("jobs", "cancel", JOB_ID).out


@pytest.mark.parametrize(
    ("code", "exit_code"), [("already_ordered", 6), ("not_found", 6), ("insufficient_scope", 3), ("rate_limited", 5)]
)
def test_a_refusal_ends_the_command_by_its_kind(user: CommandLine, code: str, exit_code: int) -> None:
    status = {"already_ordered": 409, "not_found": 404, "insufficient_scope": 403, "rate_limited": 429}[code]
    user.fermata.cues.extend([problem(status, code, {"Retry-After": "900"}), problem(status, code)])

    ran = user.type("jobs", "cancel", JOB_ID, "--json")

    assert ran.code == exit_code
    assert ran.out == ""
    assert json.loads(ran.errors)["error"]["code"] == code


def test_a_deletion_asks_first(user: CommandLine) -> None:
    user.fermata.cues.extend([say(204), say(204)])

    assert user.type("jobs", "delete", JOB_ID, stdin="n\n").code == 2
    assert user.fermata.requests == []
    assert user.type("jobs", "delete", JOB_ID, stdin="y\n").code == 0
    assert user.type("jobs", "delete", JOB_ID, "--yes", "--json").json() == {"id": JOB_ID, "deleted": True}
    assert user.fermata.paths() == [f"DELETE /v1/jobs/{JOB_ID}"] * 2
