"""`fermata song`, `fermata say` and `fermata quote`: what is ordered, or only priced."""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import typer

from fermata_client.cli import options
from fermata_client.cli.exits import ExitCode
from fermata_client.cli.shown import jsonable, show_job, show_quote
from fermata_client.cli.surroundings import Surroundings, here, how_to_go_on, reported
from fermata_client.cli.waiting import after_ctrl_c, save_all, wait_for
from fermata_client.client import Handle

_REFERENCE_ID = re.compile(r"ref_[0-9A-Z]{26}")


@dataclass(frozen=True)
class Wanted:
    """An order, and what to do with it."""

    model: str
    fields: dict[str, Any]
    key: str | None
    output: Path
    wait: bool
    timeout_s: float | None


@reported
def song(
    context: typer.Context,
    prompt: options.Prompt = None,
    *,
    model: options.ModelName = "auto",
    lyrics: options.Lyrics = None,
    instrumental: options.Instrumental = False,
    auto_lyrics: options.AutoLyrics = False,
    duration: options.DurationS = None,
    reference: options.ReferenceTo = None,
    title: options.Title = None,
    file_format: options.Format = None,
    fallback: options.Fallbacks = None,
    on_unknown: options.OnUnknown = None,
    live: options.Live = False,
    finish_by: options.FinishBy = None,
    callback_url: options.CallbackUrl = None,
    metadata: options.Metadata = None,
    max_credits: options.MaxCredits = None,
    output: options.Output = Path(),
    dry_run: options.DryRun = False,
    wait: options.Wait = True,
    timeout: options.TimeoutS = None,
    idempotency_key: options.OrderKey = None,
    as_json: options.AsJson = False,
) -> None:
    """Order a song, wait for it, and save it."""
    at = here(context)
    fields = _fields(at, title, file_format, fallback, metadata, max_credits)
    fields |= {"prompt": prompt, "lyrics": _text_of(lyrics, at) if lyrics else None, "duration_s": duration}
    fields |= {"instrumental": instrumental or None, "auto_lyrics": auto_lyrics or None}
    fields |= {"reference": _reference_of(reference, at)}
    fields |= _on_the_way(on_unknown, live, finish_by, callback_url)
    _quote_or_order(at, Wanted(model, fields, idempotency_key, output, wait, timeout), dry_run=dry_run)


@reported
def say(
    context: typer.Context,
    text: options.SpokenText,
    *,
    model: options.ModelName = "auto",
    voice: options.Voice = None,
    speed: options.Speed = None,
    language: options.Language = None,
    emotion: options.Emotion = None,
    subtitles: options.Subtitles = False,
    title: options.Title = None,
    file_format: options.Format = None,
    fallback: options.Fallbacks = None,
    on_unknown: options.OnUnknown = None,
    live: options.Live = False,
    finish_by: options.FinishBy = None,
    callback_url: options.CallbackUrl = None,
    metadata: options.Metadata = None,
    max_credits: options.MaxCredits = None,
    output: options.Output = Path(),
    dry_run: options.DryRun = False,
    wait: options.Wait = True,
    timeout: options.TimeoutS = None,
    idempotency_key: options.OrderKey = None,
    as_json: options.AsJson = False,
) -> None:
    """Order a speech, wait for it, and save it."""
    at = here(context)
    fields = _fields(at, title, file_format, fallback, metadata, max_credits)
    fields |= {"text": _text_of(Path("-"), at) if text == "-" else text, "voice": voice, "speed": speed}
    fields |= {"language": language, "emotion": emotion, "subtitles": subtitles or None}
    fields |= _on_the_way(on_unknown, live, finish_by, callback_url)
    _quote_or_order(at, Wanted(model, fields, idempotency_key, output, wait, timeout), dry_run=dry_run)


@reported
def quote(
    context: typer.Context,
    prompt: options.Prompt = None,
    *,
    model: options.ModelName = "auto",
    lyrics: options.Lyrics = None,
    text: options.QuotedText = None,
    voice: options.Voice = None,
    instrumental: options.Instrumental = False,
    auto_lyrics: options.AutoLyrics = False,
    duration: options.DurationS = None,
    fallback: options.Fallbacks = None,
    max_credits: options.MaxCredits = None,
    as_json: options.AsJson = False,
) -> None:
    """Show what an order would cost and how long it would take; nothing is ordered."""
    at = here(context)
    fields = _fields(at, None, None, fallback, None, max_credits)
    fields |= {"prompt": prompt, "lyrics": _text_of(lyrics, at) if lyrics else None, "duration_s": duration}
    fields |= {"instrumental": instrumental or None, "auto_lyrics": auto_lyrics or None, "text": text, "voice": voice}
    _show_quote(at, model, fields)


def _fields(
    at: Surroundings,
    title: str | None,
    file_format: str | None,
    fallbacks: list[str] | None,
    metadata: list[str] | None,
    max_credits: int | None,
) -> dict[str, Any]:
    """The fields that orders of both kinds have; ends the command where a pair is none."""
    return {
        "title": title,
        "audio": {"format": file_format} if file_format else None,
        "fallbacks": fallbacks or None,
        "metadata": options.pairs_of(at, metadata) or None,
        "max_credits": max_credits,
    }


def _on_the_way(
    on_unknown: Literal["fail", "fallback"] | None, live: bool, finish_by: datetime | None, callback_url: str | None
) -> dict[str, Any]:
    """The fields that say what may happen between the order and its end."""
    return {
        "on_unknown": on_unknown,
        "live": live or None,
        "finish_by": finish_by,
        "callback_url": callback_url,
    }


def _text_of(path: Path, at: Surroundings) -> str:
    try:
        text = at.stdin.read() if path == Path("-") else path.read_text("utf-8")
    except UnicodeDecodeError:
        at.note(f"expected text in UTF-8 in {path}, found other bytes")
        raise typer.Exit(ExitCode.USAGE) from None
    return text.strip()


def _reference_of(named: str | None, at: Surroundings) -> dict[str, str] | None:
    """The reference of an order: a link, the id of an upload, or a file, which is uploaded now."""
    if named is None:
        return None
    if named.startswith(("https:", "http:")):
        return {"audio_url": named}
    if _REFERENCE_ID.fullmatch(named):
        return {"id": named}
    with at.connect() as fermata:
        reference = fermata.upload_reference(named)
    if not at.as_json:
        at.note(f"uploaded as {reference.id}; to order the same again, name this id and not the file")
    return {"id": reference.id}


def _quote_or_order(at: Surroundings, wanted: Wanted, *, dry_run: bool) -> None:
    # Before anything is bought: a file that cannot be written is a pity afterwards.
    if wanted.wait and not wanted.output.is_dir() and not wanted.output.parent.is_dir():
        at.note(f"there is no folder {wanted.output.parent} for --output; make it, or name another")
        raise typer.Exit(ExitCode.USAGE)
    if dry_run:
        _show_quote(at, wanted.model, wanted.fields)
    else:
        _order(at, wanted)


def _show_quote(at: Surroundings, model: str, fields: dict[str, Any]) -> None:
    with at.connect() as fermata:
        found = fermata.quote(model, **fields)
    if at.as_json:
        at.give(jsonable(found))
    else:
        show_quote(at, found)


def _order(at: Surroundings, wanted: Wanted) -> None:
    key = wanted.key or at.new_key()
    placed: list[Handle] = []
    with at.connect() as fermata, after_ctrl_c(at, lambda: _how_to_go_on(placed, key)):
        handle = fermata.submit(wanted.model, idempotency_key=key, **wanted.fields)
        placed.append(handle)
        job = handle.job
        if job and not at.as_json:
            at.note(f"ordered {handle.id} of {job.model}: {job.price_credits} credits, paid when it succeeds")
        files = []
        if wanted.wait:
            wait_for(handle, at, wanted.timeout_s)
            files = save_all(handle, wanted.output, at)
    if at.as_json:
        at.give({"job": jsonable(handle.job), "files": [str(path) for path in files]})
    elif files:
        for path in files:
            at.say(str(path))
    elif handle.job:
        show_job(at, handle.job)


def _how_to_go_on(placed: list[Handle], key: str) -> str:
    if placed:
        return how_to_go_on(placed[0].id)
    return f"the order may have arrived; order again with --idempotency-key {key}, and it is bought once"
