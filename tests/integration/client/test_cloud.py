"""The client and the command line against the one-machine cloud: real routes, links and files."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import wave
from pathlib import Path
from typing import Final

import anyio
import pytest

from fermata_client import AsyncFermata, Fermata, errors, webhooks
from tests.functions import ROOT
from tests.integration.song import LYRICS, Cloud
from tests.integration.webhook_receiver import receiving

MODEL: Final = "minimax/music-2.5"
COVER: Final = "minimax/music-cover"
POLLED: Final = "aimlapi/minimax/music-2.0"
HEEDS_CTRL_C: Final = """
import signal
from fermata_client.cli.__main__ import run
signal.signal(signal.SIGINT, signal.default_int_handler)
run()
"""
"""The command line. A shell that runs the tests in the background has its processes ignore Ctrl-C."""
WITHIN_S: Final = 240
"""Generous: other work shares the machine."""


@pytest.fixture
def fermata(cloud: Cloud) -> Fermata:
    return _client(cloud)


def _client(cloud: Cloud, api_key: str | None = None) -> Fermata:
    return Fermata(api_key or cloud.line["api_key"], cloud.line["api_url"])


def _key(cloud: Cloud, *scopes: str) -> str:
    return str(cloud.manage(action="issue_key", tenant_id=cloud.line["tenant"], scopes=scopes)["api_key"])


def _posts(cloud: Cloud, prompt: str, provider: str = "minimax") -> int:
    return len(cloud.posts(provider, hashlib.sha256(prompt.encode()).hexdigest()))


def test_a_song_is_ordered_once_and_saved_as_it_was_measured(cloud: Cloud, fermata: Fermata, tmp_path: Path) -> None:
    prompt, states = "a song of the client", list[str]()

    with fermata:
        quoted = fermata.quote(MODEL, prompt=prompt, lyrics=LYRICS)
        handle = fermata.run(
            MODEL, on_update=lambda each: states.append(each.status), timeout_s=WITHIN_S, prompt=prompt, lyrics=LYRICS
        )
        again = fermata.submit(MODEL, idempotency_key=handle.idempotency_key, prompt=prompt, lyrics=LYRICS)
        (track,) = handle.tracks
        saved = track.save(tmp_path)
        pieces = b"".join(track.iterate())
        attempts = handle.attempts()

    job = handle.result()
    assert (states[-1], job.charged, job.price_credits) == ("succeeded", "yes", quoted.price_credits)
    assert again.id == handle.id
    assert _posts(cloud, prompt) == 1
    assert hashlib.sha256(saved.read_bytes()).hexdigest() == track.info.sha256
    assert pieces == saved.read_bytes()
    assert [attempt.provider_charged for attempt in attempts] == ["yes"]


def test_an_awaited_speech_is_ordered_followed_and_read(cloud: Cloud) -> None:
    async def speak() -> tuple[list[str], bytes, str]:
        async with AsyncFermata(cloud.line["api_key"], cloud.line["api_url"]) as fermata:
            handle = await fermata.submit("auto", text="Good evening.", voice="Wise_Woman")
            states = [update.status async for update in handle.events(timeout_s=WITHIN_S)]
            return states, await handle.tracks[0].read(), handle.result().kind

    states, audio, kind = anyio.run(speak)

    assert states[-1] == "succeeded"
    assert len(audio) > 1_000
    assert kind == "speech"


def test_every_list_is_read_from_the_real_routes(fermata: Fermata) -> None:
    with fermata:
        job = fermata.submit(MODEL, prompt="a song in lists", lyrics=LYRICS)
        job.wait(timeout_s=WITHIN_S)

        assert MODEL in {model.id for model in fermata.models(kind="song", sort="price")}
        assert all(voice.id for voice in fermata.voices(model="minimax/speech-2.8-turbo", language="de"))
        assert job.id in {each.id for each in fermata.jobs(status="succeeded", page_size=2)}
        assert sum(entry.credits for entry in fermata.usage(group_by=["model"])) > 0
        assert fermata.account().spent_credits > 0
        assert job.id in {line.job_id for line in fermata.usage_log()}
        assert job.id in "".join(fermata.usage_log_csv())
        assert next(fermata.ledger_csv()).startswith("at,kind,credits,")
        assert {entry.kind for entry in fermata.ledger()} <= {"grant", "hold", "spend", "refund", "note"}
        job.delete()
        with pytest.raises(errors.NotFoundError):
            job.status()


def test_an_uploaded_recording_is_sung_after(fermata: Fermata, tmp_path: Path) -> None:
    take = tmp_path / "take.wav"
    with wave.open(str(take), "wb") as recording:
        recording.setparams((1, 2, 16_000, 0, "NONE", ""))
        recording.writeframes(bytes(320_000))

    with fermata:
        reference = fermata.upload_reference(take)
        song = fermata.run(COVER, prompt="slow waltz", reference={"id": reference.id}, timeout_s=WITHIN_S)

    assert song.result().charged == "yes"


def test_refusals_of_the_real_api_are_errors_by_what_to_do(cloud: Cloud, fermata: Fermata) -> None:
    with fermata, _client(cloud, _key(cloud, "jobs:read")) as reader, _client(cloud, "fk_wrong") as stranger:
        with pytest.raises(errors.InvalidRequestError) as wrong:
            fermata.submit("minimax/music-2.0", prompt="a", lyrics="la", idempotency_key="client-refused")
        with pytest.raises(errors.ScopeError) as scope:
            reader.submit(MODEL, prompt="a", lyrics=LYRICS)
        with pytest.raises(errors.AuthenticationError):
            stranger.account()
        with pytest.raises(errors.NotFoundError):
            fermata.job("job_01M7YH6Z0CE2E33SRX04YDPZZK").status()
        done = fermata.run(MODEL, prompt="a song too late to cancel", lyrics=LYRICS, timeout_s=WITHIN_S)
        with pytest.raises(errors.ConflictError) as late:
            done.cancel()

    assert wrong.value.fields
    assert scope.value.required_scope == "jobs:write"
    assert late.value.code == "already_finished"


def test_keys_are_made_rotated_and_revoked(cloud: Cloud) -> None:
    with _client(cloud, _key(cloud, "account:manage", "account:read")) as manager:
        made = manager.keys.create(name="client", scopes=["account:read"])
        replaced = manager.keys.rotate(made.id, overlap_s=0)
        with _client(cloud, replaced.api_key) as one:
            assert one.account().tenant_id == cloud.line["tenant"]
        manager.keys.revoke(replaced.id)
        listed = {key.id: key for key in manager.keys.list()}

    assert listed[replaced.id].revoked_at is not None
    assert listed[made.id].rotated_to == replaced.id


def test_a_webhook_is_set_tried_and_removed(cloud: Cloud) -> None:
    tenant = "hooked-by-the-client"
    cloud.manage(action="create_tenant", tenant_id=tenant)
    key = cloud.manage(action="issue_key", tenant_id=tenant, scopes=["account:manage"])["api_key"]
    with receiving() as receiver, _client(cloud, key) as manager:
        first = manager.webhook.set(f"{receiver.origin}/hook").secret
        tried = manager.webhook.test()
        second = manager.webhook.rotate(overlap_s=0).secret
        manager.webhook.test()
        manager.webhook.remove()
        removed = manager.webhook.get()

    assert first is not None
    assert tried.delivered
    types = [
        webhooks.verify(secret, post.body, post.headers).type
        for secret, post in zip((first, second), receiver.posts, strict=True)
    ]
    assert types == ["webhook.test"] * 2
    assert (removed.url, removed.has_secret) == (None, True)


def test_ctrl_c_leaves_the_job_which_another_command_waits_for(cloud: Cloud, tmp_path: Path) -> None:
    command = [sys.executable, "-c", HEEDS_CTRL_C]
    environment = {
        **os.environ,
        "FERMATA_API_KEY": cloud.line["api_key"],
        "FERMATA_BASE_URL": cloud.line["api_url"],
        "PYTHONPATH": str(ROOT / "client"),
    }
    (tmp_path / "words.txt").write_text(LYRICS, "utf-8")
    prompt = "a song that is interrupted"
    # Four looks at the task take two seconds each, so that it is not done before the signal comes.
    cloud.fault("aimlapi", "hang:2", "poll", prompt, times=4)
    ordering = ["song", prompt, "--model", POLLED, "--lyrics", "words.txt", "-o", "song.mp3"]
    with subprocess.Popen(
        [*command, *ordering],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        job_id = process.stderr.readline().split()[1]
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=WITHIN_S)
    waited = subprocess.run(
        [*command, "jobs", "wait", job_id, "-o", "song.mp3", "--json", "--timeout", str(WITHIN_S)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (process.returncode, waited.returncode) == (130, 0), said + waited.stderr
    assert f"fermata jobs wait {job_id}" in said
    assert json.loads(waited.stdout)["files"] == ["song.mp3"]
    assert (tmp_path / "song.mp3").stat().st_size > 1_000
    assert _posts(cloud, prompt, "aimlapi") == 1
