"""Receive a provider's callback. It only causes a poll; its content is ignored."""

from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.providers.callbacks import Callback, is_callback_token, token_sha256
from fermata.errors import NotFoundError, StaleRecordError, TransientError
from fermata.use_cases.generation.follow.await_callback import CallbackPorts
from fermata.use_cases.stale import retry_on_stale


class Effect(StrEnum):
    """The effect of a callback."""

    WOKE = "woke"
    NOTED = "noted"
    NOTED_EARLY = "noted_early"
    NOTED_AFTER_THE_WAIT = "noted_after_the_wait"
    IGNORED_TOO_MANY = "ignored_too_many"
    IGNORED_ENDED = "ignored_ended"
    IGNORED_UNKNOWN = "ignored_unknown"


@dataclass(frozen=True)
class Receipt:
    """The result of a callback, for the log only: the sender does not learn it."""

    effect: Effect
    job_id: str | None = None


def receive_callback(token: str, ports: CallbackPorts) -> Receipt:
    """Wake the attempt's state machine if it waits, else record the callback for the next wait. No callback is lost;
    the first one, before any song is expected, is only counted.

    Raises `NotFoundError` for a malformed token, and `TransientError` if the sender should repeat the callback.
    """
    if not is_callback_token(token):
        raise NotFoundError("there is no such callback address; it is handed to a provider with an order")
    given_up = TransientError("the callback's record kept changing; send the same post again")
    sha256 = token_sha256(token)
    return retry_on_stale(partial(_receive_once, ports), lambda: ports.callbacks.load(sha256), given_up=given_up)


def _receive_once(ports: CallbackPorts, callback: Callback | None) -> Receipt:
    if callback is None:
        return Receipt(Effect.IGNORED_UNKNOWN)
    return Receipt(_effect(callback, ports), callback.job_id)


def _effect(callback: Callback, ports: CallbackPorts) -> Effect:
    if not _is_open(callback, ports.jobs.load(callback.job_id)):
        return Effect.IGNORED_ENDED
    if callback.is_deaf:
        return Effect.IGNORED_TOO_MANY
    if callback.comes_early(ports.clock()):
        ports.callbacks.save(callback.posted_early())
        return Effect.NOTED_EARLY
    if callback.task_token is None:
        ports.callbacks.save(callback.posted(woke=False))
        return Effect.NOTED
    if not ports.waits.end(callback.task_token):
        ports.callbacks.save(callback.posted(woke=False))
        return Effect.NOTED_AFTER_THE_WAIT
    with suppress(StaleRecordError):
        # If the state machine was faster, the record already belongs to its next wait.
        ports.callbacks.save(callback.posted(woke=True))
    return Effect.WOKE


def _is_open(callback: Callback, job: Job | None) -> bool:
    """Whether the attempt may still await its song. A callback may even arrive before the answer to the order."""
    last = job.last_attempt if job else None
    if job is None or last is None or last.number != callback.attempt or job.status.is_terminal:
        return False
    mine = last.callback is not None and last.callback.sha256 == callback.sha256
    return mine and last.state in (AttemptState.CLAIMED, AttemptState.GENERATING)
