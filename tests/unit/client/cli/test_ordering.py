"""`fermata song`, `say` and `quote`: an order is made once, waited for, saved, and never made by a dry run."""

import json
from pathlib import Path

import pytest

from tests.fakes.client.command_line import CommandLine
from tests.fakes.client.fake_fermata import API_KEY, JOB_ID, OFFER, SONG, FakeFermata, lose, problem, say
from tests.functions import ROOT

QUOTE = json.loads(json.loads((ROOT / "tests/fixtures/answers.json").read_text("utf-8"))["quote"]["body"])


@pytest.fixture
def user(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def _body(user: CommandLine) -> dict[str, object]:
    return dict(json.loads(user.fermata.requests[0].content))


def test_a_song_is_ordered_waited_for_and_saved(user: CommandLine) -> None:
    (user.folder / "words.txt").write_text("[Verse]\nRain\n", "utf-8")
    song = user.folder / "song.mp3"

    ran = user.type("song", "indie folk", "--lyrics", str(user.folder / "words.txt"), "-o", str(song))

    assert (ran.code, ran.out) == (0, f"{song}\n")
    assert song.read_bytes() == SONG
    assert _body(user) == {"model": "auto", "prompt": "indie folk", "lyrics": "[Verse]\nRain"}
    assert ran.errors.splitlines() == [
        f"ordered {JOB_ID} of auto: 30 credits, paid when it succeeds",
        "queued, 0:00 since the order, about 0:08 left",
        "generating, 0:02 since the order, about 0:06 left",
        "succeeded, 0:08 since the order",
        f"saved {song} (6.0 s, 10,240 bytes, audio/mpeg)",
    ]


def test_a_terminal_sees_the_state_live(user: CommandLine) -> None:
    ran = user.type("song", "indie folk", "-o", str(user.folder), terminal=True)

    assert ran.code == 0
    assert (user.folder / f"{JOB_ID}-1.mp3").read_bytes() == SONG
    assert "left" in ran.errors


def test_a_speech_has_its_own_fields(user: CommandLine) -> None:
    words = "--voice Wise_Woman --speed 1.5 --language de --emotion happy --format wav --title Night --max-credits 9"

    ran = user.type("say", "-", *words.split(), "--metadata", "a=b=c", "-o", str(user.folder), stdin="Good evening.\n")

    assert ran.code == 0
    assert _body(user) == {
        "model": "auto",
        "kind": "speech",
        "text": "Good evening.",
        "voice": "Wise_Woman",
        "speed": 1.5,
        "language": "de",
        "emotion": "happy",
        "audio": {"format": "wav"},
        "title": "Night",
        "max_credits": 9,
        "metadata": {"a": "b=c"},
    }


@pytest.mark.parametrize("kind", ["song", "say"])
def test_an_order_says_what_may_happen_on_its_way(user: CommandLine, kind: str) -> None:
    words = "--live --on-unknown fallback --finish-by 2027-01-31T19:00:00+01:00 --callback-url https://example.com/end"

    ran = user.type(kind, "Night", *words.split(), "--no-wait")

    assert ran.code == 0
    said = {name: _body(user).get(name) for name in ("live", "on_unknown", "finish_by", "callback_url")}
    assert said == {
        "live": True,
        "on_unknown": "fallback",
        "finish_by": "2027-01-31T18:00:00Z",
        "callback_url": "https://example.com/end",
    }


def test_a_speech_may_have_subtitles(user: CommandLine) -> None:
    assert user.type("say", "Night", "--subtitles", "--no-wait").code == 0

    assert _body(user)["subtitles"] is True


@pytest.mark.parametrize(
    "words",
    [
        *("song folk --on-unknown perhaps", "song folk --finish-by 2027-01-31T18:00:00", "song folk --subtitles"),
        "say Night --finish-by tomorrow",
    ],
)
def test_what_no_order_could_mean_is_refused_before_anything_is_sent(user: CommandLine, words: str) -> None:
    assert user.type(*words.split()).code == 2
    assert user.fermata.requests == []


@pytest.mark.parametrize("command", [["song", "folk", "--dry-run"], ["say", "Hello", "--dry-run"], ["quote", "folk"]])
def test_a_dry_run_orders_nothing(user: CommandLine, command: list[str]) -> None:
    user.fermata.cues.append(say(200, QUOTE))

    ran = user.type(*command, "--max-credits", "40")

    assert ran.code == 0
    assert user.fermata.paths() == ["POST /v1/quote"]
    assert _body(user)["max_credits"] == 40
    assert f"{QUOTE['price_credits']} credits" in ran.out


def test_a_quote_of_auto_shows_the_candidates(user: CommandLine) -> None:
    estimate = {"p50_s": 70, "p80_s": 120}
    candidates = [
        {"model": "a", "price_credits": 30, "estimate": estimate, "why_not": None},
        {"model": "b", "price_credits": None, "estimate": estimate, "why_not": "no \x1b[31mlyrics"},
    ]
    user.fermata.cues.append(say(200, {**QUOTE, "discount_percent": 10, "candidates": candidates}))

    ran = user.type("quote", "--text", "Hello")

    assert "less 10 %" in ran.out
    assert "no \ufffd[31mlyrics" in ran.out


def test_a_result_for_programs_is_json_alone(user: CommandLine) -> None:
    ran = user.type("song", "folk", "-o", str(user.folder), "--json")

    assert ran.json()["job"]["id"] == JOB_ID
    assert ran.json()["files"] == [str(user.folder / f"{JOB_ID}-1.mp3")]
    assert API_KEY not in ran.out + ran.errors


def test_an_order_that_is_not_waited_for_is_shown(user: CommandLine) -> None:
    ran = user.type("song", "folk", "--no-wait")

    assert ran.code == 0
    assert user.fermata.paths() == ["POST /v1/jobs"]
    assert JOB_ID in ran.out


def test_an_output_that_cannot_be_written_is_found_before_anything_is_bought(user: CommandLine) -> None:
    ran = user.type("song", "folk", "-o", str(user.folder / "nowhere" / "song.mp3"))

    assert ran.code == 2
    assert "there is no folder" in ran.errors
    assert user.fermata.requests == []


@pytest.mark.parametrize(
    ("named", "reference"),
    [
        ("https://example.com/take.mp3", {"audio_url": "https://example.com/take.mp3"}),
        (OFFER["id"], {"id": OFFER["id"]}),
    ],
)
def test_a_link_or_an_id_is_the_reference_as_it_is(user: CommandLine, named: str, reference: object) -> None:
    assert user.type("song", "waltz", "--reference", named, "--no-wait").code == 0
    assert _body(user)["reference"] == reference


def test_a_recording_is_uploaded_before_the_order_that_names_it(user: CommandLine) -> None:
    take = user.folder / "take.mp3"
    take.write_bytes(b"song")
    user.fermata.cues.append(say(201, OFFER))
    user.fermata.file_cues.append(say(204))

    ran = user.type("song", "waltz", "--reference", str(take), "--no-wait")

    assert json.loads(user.fermata.requests[-1].content)["reference"] == {"id": OFFER["id"]}
    assert ran.errors.splitlines()[0].startswith(f"uploaded as {OFFER['id']}")


def test_a_recording_that_is_not_there_buys_nothing(user: CommandLine) -> None:
    ran = user.type("song", "waltz", "--reference", str(user.folder / "take.mp3"))

    assert (ran.code, user.fermata.requests) == (11, [])


@pytest.mark.parametrize("words", [["--metadata", "nothing"], ["--metadata", "=x"]])
def test_a_pair_that_is_none_is_found_before_anything_is_bought(user: CommandLine, words: list[str]) -> None:
    ran = user.type("song", "folk", *words)

    assert (ran.code, user.fermata.requests) == (2, [])
    assert "NAME=VALUE" in ran.errors


def test_lyrics_that_are_no_text_or_not_there_buy_nothing(user: CommandLine) -> None:
    (user.folder / "words.txt").write_bytes(b"\xff\xfe")

    assert user.type("song", "folk", "--lyrics", str(user.folder / "words.txt")).code == 2
    assert user.type("song", "folk", "--lyrics", str(user.folder / "none.txt")).code == 11
    assert user.fermata.requests == []


def test_a_timeout_says_how_to_go_on(user: CommandLine) -> None:
    user.fermata.states = ["generating"]

    ran = user.type("song", "folk", "--timeout", "5", "-o", str(user.folder))

    assert ran.code == 9
    assert f"fermata jobs wait {JOB_ID} -o FILE" in ran.errors
    assert f"fermata jobs show {JOB_ID}" in ran.errors


def test_ctrl_c_while_waiting_says_how_to_go_on(user: CommandLine) -> None:
    class Interrupt(list[float]):
        def append(self, _: float) -> None:
            raise KeyboardInterrupt

    user.fermata.pauses = Interrupt()

    ran = user.type("song", "folk", "-o", str(user.folder))

    assert ran.code == 130
    assert f"{JOB_ID} goes on. Wait for it: fermata jobs wait {JOB_ID} -o FILE" in ran.errors
    assert list(user.folder.iterdir()) == []


def test_ctrl_c_while_ordering_names_the_key_of_the_order(user: CommandLine) -> None:
    def interrupt(*_: object) -> object:
        raise KeyboardInterrupt

    user.fermata.cues.append(interrupt)  # type: ignore[arg-type]

    ran = user.type("song", "folk")

    assert ran.code == 130
    assert "--idempotency-key key-of-the-command" in ran.errors


def test_an_order_that_nobody_answered_names_its_key_and_is_then_bought_once(user: CommandLine) -> None:
    user.fermata.cues.extend([lose] * 6)

    ran = user.type("song", "folk", "-o", str(user.folder))
    again = user.type("song", "folk", "-o", str(user.folder), "--idempotency-key", "key-of-the-command")

    assert (ran.code, again.code) == (10, 0)
    assert "--idempotency-key key-of-the-command, and it is bought once" in ran.errors
    assert list(user.fermata.bought) == ["key-of-the-command"]


def test_several_tracks_have_names_of_their_own(user: CommandLine) -> None:
    class Two(FakeFermata):
        def job(self, status: str) -> dict[str, object]:
            job = super().job(status)
            job["tracks"] = [*job["tracks"], *({**track, "number": 2} for track in job["tracks"])]
            return job

    user.fermata = Two()

    assert user.type("song", "folk", "-o", str(user.folder / "song.mp3")).code == 0
    assert user.type("song", "folk", "-o", str(user.folder)).code == 0
    assert sorted(path.name for path in user.folder.iterdir()) == [
        *(f"{JOB_ID}-1.mp3", f"{JOB_ID}-2.mp3"),
        *("song-2.mp3", "song.mp3"),
    ]


@pytest.mark.parametrize(
    ("failure_class", "state", "code"),
    [("content_refused", "failed", 7), ("transient", "failed", 8), ("", "canceled", 8), ("", "expired", 8)],
)
def test_a_job_without_audio_ends_the_command_by_its_kind(
    user: CommandLine, failure_class: str, state: str, code: int
) -> None:
    error = {"class": failure_class, "message": "no \x1b]0;title\x07", "retryable": False, "provider_charged": "no"}
    user.fermata.states, user.fermata.error = [state], error

    ran = user.type("song", "folk", "-o", str(user.folder))

    assert ran.code == code
    assert "\x1b" not in ran.errors
    assert "\x07" not in ran.errors


def test_a_limit_of_credits_counts_as_credit(user: CommandLine) -> None:
    wrong = [{"pointer": "/max_credits", "message": "the order costs 30"}]
    user.fermata.cues.append(problem(422, "invalid_request", errors=wrong))

    ran = user.type("song", "folk", "--max-credits", "1", "--json")

    assert ran.code == 4
    assert json.loads(ran.errors)["error"] == {
        "kind": "InvalidRequestError",
        "message": "invalid request: /max_credits the order costs 30",
        "exit_code": 4,
        "request_id": "req-1",
        "idempotency_key": "key-of-the-command",
        "code": "invalid_request",
        "fields": {"/max_credits": "the order costs 30"},
    }
