"""The routes of the API, one entry each. A route of `template.yaml` needs an `Operation` here and the other way round;
after a change write the document again with `make openapi`.
"""

from http import HTTPStatus
from typing import Final

from fermata.api.responses.account import Account
from fermata.api.responses.attempt import AttemptList, Timeline
from fermata.api.responses.job import Job, JobList
from fermata.api.responses.ledger import LedgerList
from fermata.api.responses.model import ModelList
from fermata.api.responses.problem import Health
from fermata.api.responses.quote import Quote
from fermata.api.responses.reference import Reference
from fermata.api.responses.usage import UsageList, UsageLog
from fermata.api.responses.voice import VoiceList
from fermata.api.responses.webhook import WebhookAttemptList, WebhookReplay
from fermata.domain.jobs.status import JobStatus
from fermata.domain.orders.order_request import SongRequest
from fermata.use_cases.orders.create_reference import UploadRequest
from tooling.openapi import examples
from tooling.openapi.account_operations import ACCOUNT_OPERATIONS
from tooling.openapi.operation import OF_A_BODY, Answer, Operation

WEBHOOKS: Final = {
    JobStatus.SUCCEEDED: "A song is there",
    JobStatus.FAILED: "A job failed",
    JobStatus.CANCELED: "A job was canceled",
    JobStatus.EXPIRED: "A song would have come too late",
}
"""What has happened when a webhook tells of a job that ended with a status."""

_OF_A_PLAN: Final = (
    *("rate_limited", "too_many_jobs", "lost_songs_limit", "unpaid_jobs_limit"),
    *("monthly_limit_reached", "key_limit_reached"),
)
_OF_A_JOB: Final = ("get_job", "get_audio", "list_attempts", "cancel_job", "delete_job")

_CSV: Final = (
    "`Accept: text/csv` asks for CSV with a header line; the next page's cursor is then in the header `Next-Cursor`. A "
    "text that a spreadsheet could take for a formula has an apostrophe in front."
)

OPERATIONS: Final = (
    Operation(
        "POST",
        "/v1/jobs",
        "submit_job",
        "Order a song",
        (
            Answer(
                HTTPStatus.OK,
                "The job has ended while the request was held (`Prefer: wait=n`).",
                Job,
                ("Location", "Preference-Applied", "Idempotency-Replayed"),
                examples.SUCCEEDED_JOB,
                _OF_A_JOB,
            ),
            Answer(
                HTTPStatus.ACCEPTED,
                "The job is stored and paid for, and will be worked on.",
                Job,
                ("Location", "Retry-After", "Preference-Applied", "Idempotency-Replayed"),
                examples.QUEUED_JOB,
                _OF_A_JOB,
            ),
        ),
        problems=(
            *(*OF_A_BODY, "malformed_header", "out_of_credit", "tenant_suspended", "idempotency_key_reused"),
            *_OF_A_PLAN,
            "draining",
        ),
        parameters=("IdempotencyKey", "Prefer"),
        body=SongRequest,
        body_examples=examples.SONG_REQUESTS,
        description="What a model takes stands in `GET /v1/models`; what it does not take is refused, never ignored.",
        buys=True,
    ),
    Operation(
        "GET",
        "/v1/jobs",
        "list_jobs",
        "The tenant's jobs, newest first",
        (Answer(HTTPStatus.OK, "A page of jobs.", JobList, (), examples.JOB_LIST),),
        problems=("invalid_request", "rate_limited"),
        parameters=("Status", "OfModel", "FromDay", "ToDay", "OfMetadata", "Limit", "Cursor"),
        description=(
            "Filters go together in any way. A page reads a bounded number of jobs, so it may be short or empty and "
            "still have a next one: its `next_cursor` leads on, with the same filters."
        ),
    ),
    Operation(
        "GET",
        "/v1/jobs/{id}",
        "get_job",
        "One job, with links minted now",
        (
            Answer(HTTPStatus.OK, "The job.", Job, ("ETag", "Retry-After"), examples.SUCCEEDED_JOB),
            Answer(HTTPStatus.NOT_MODIFIED, "The caller has it like that.", None, ("ETag", "Retry-After")),
        ),
        problems=("not_found", "invalid_request", "rate_limited"),
        parameters=("JobId", "Include", "IfNoneMatch"),
        description=(
            "Poll it no faster than `Retry-After` says, with the `ETag` of the last answer in `If-None-Match`. Links "
            "to files are minted at each read."
        ),
    ),
    Operation(
        "DELETE",
        "/v1/jobs/{id}",
        "delete_job",
        "Forget the words and files of a finished job",
        (Answer(HTTPStatus.NO_CONTENT, "Nothing is left but a tombstone."),),
        problems=("not_found", "not_finished", "rate_limited"),
        parameters=("JobId",),
        description=(
            "Removes its words, title, metadata, songs and the provider's answers for good. What was paid stays paid."
        ),
    ),
    Operation(
        "GET",
        "/v1/jobs/{id}/audio",
        "get_audio",
        "The song itself, by a redirect to a fresh link",
        (Answer(HTTPStatus.FOUND, "The song is there for a while.", None, ("Location",)),),
        problems=("not_found", "no_such_track", "invalid_request", "rate_limited"),
        parameters=("JobId", "TrackNumber", "Original"),
        description=(
            "A client that follows redirects downloads the song. The link is a secret that needs no key, so do not "
            "send yours along. Where the song was marked, `original=true` leads for 30 days to the file that the "
            "provider sent."
        ),
    ),
    Operation(
        "GET",
        "/v1/jobs/{id}/attempts",
        "list_attempts",
        "What was tried, with whom, and who charged",
        (Answer(HTTPStatus.OK, "Every attempt.", AttemptList, (), examples.ATTEMPT_LIST),),
        problems=("not_found", "rate_limited"),
        parameters=("JobId",),
        description="For support and bookkeeping: a job may ask several providers, and one of them several times.",
    ),
    Operation(
        "GET",
        "/v1/jobs/{id}/timeline",
        "get_timeline",
        "What happened to a job, and when",
        (Answer(HTTPStatus.OK, "Every moment on record.", Timeline, (), examples.TIMELINE),),
        problems=("not_found", "rate_limited"),
        parameters=("JobId",),
        description="Its submission, turns, orders, last poll, files, end and webhooks, oldest first.",
    ),
    Operation(
        "POST",
        "/v1/jobs/{id}/cancel",
        "cancel_job",
        "Take back a job that is queued",
        (Answer(HTTPStatus.OK, "The job, canceled and refunded.", Job, (), examples.CANCELED_JOB),),
        problems=("not_found", "already_ordered", "already_finished", "rate_limited"),
        parameters=("JobId",),
        description="Only while it is `queued`, because no provider takes an order back. Every held credit returns.",
    ),
    Operation(
        "GET",
        "/v1/jobs/{id}/webhooks",
        "list_webhook_attempts",
        "How the job's webhook was delivered",
        (Answer(HTTPStatus.OK, "Every try of the last 30 days.", WebhookAttemptList, (), examples.WEBHOOK_LIST),),
        problems=("not_found", "rate_limited"),
        parameters=("JobId",),
        tag="webhooks",
        description="Requested deliveries stand beside the one at the job's end.",
    ),
    Operation(
        "POST",
        "/v1/jobs/{id}/webhooks/replay",
        "replay_webhook",
        "Send a finished job's webhook again",
        (
            Answer(
                HTTPStatus.ACCEPTED,
                "Another delivery has begun, under the same `webhook-id`.",
                WebhookReplay,
                (),
                examples.WEBHOOK_REPLAY,
            ),
        ),
        problems=("not_found", "not_finished", "no_webhook", "too_many_replays", "rate_limited"),
        parameters=("JobId",),
        tag="webhooks",
        description="It costs no credits. The receiver sees the same `webhook-id` and can tell that it is a repeat.",
    ),
    Operation(
        "POST",
        "/v1/quote",
        "quote_job",
        "What an order would cost and take; nothing is stored",
        (Answer(HTTPStatus.OK, "The price and the time.", Quote, (), examples.QUOTE),),
        problems=(*OF_A_BODY, "rate_limited"),
        body=SongRequest,
        body_examples=examples.SONG_REQUESTS,
        description=(
            "Free: takes the body of an order and checks it in the same way, but asks no provider and holds no credits."
        ),
    ),
    Operation(
        "GET",
        "/v1/models",
        "list_models",
        "The models on offer with their limits, prices and usual times",
        (Answer(HTTPStatus.OK, "The models.", ModelList, (), examples.MODEL_LIST),),
        problems=("invalid_request", "rate_limited"),
        parameters=("OfKind", "Sort"),
        description="Each has one request that works as it stands, `example`.",
        tag="models",
    ),
    Operation(
        "GET",
        "/v1/voices",
        "list_voices",
        "The voices of models that speak",
        (Answer(HTTPStatus.OK, "Every voice, on one page.", VoiceList, (), examples.VOICE_LIST),),
        problems=("invalid_request", "rate_limited"),
        parameters=("SpeakingModel", "Language"),
        tag="models",
        description="Free. An order names a voice by its `id`.",
    ),
    Operation(
        "POST",
        "/v1/references",
        "create_reference",
        "A place to upload the recording that a song shall follow",
        (Answer(HTTPStatus.CREATED, "An id, and the form to upload with.", Reference, (), examples.REFERENCE),),
        problems=(*OF_A_BODY, "tenant_suspended", "rate_limited"),
        body=UploadRequest,
        body_examples=(("wav", {"content_type": "audio/wav", "bytes": 1024044}),),
        tag="references",
        description=(
            "Send the form's fields and then the file, of exactly the announced size and type. Orders may name the "
            "id for 29 days."
        ),
    ),
    Operation(
        "GET",
        "/v1/account",
        "get_account",
        "The tenant's plan, credits and open jobs",
        (Answer(HTTPStatus.OK, "The account.", Account, (), examples.ACCOUNT),),
        problems=("rate_limited",),
        tag="account",
        description="Read it to see how many credits an order may hold.",
    ),
    Operation(
        "GET",
        "/v1/ledger",
        "list_ledger",
        "Every movement of the tenant's credits, oldest first",
        (Answer(HTTPStatus.OK, "A page of the ledger.", LedgerList, ("Next-Cursor",), examples.LEDGER_LIST, csv=True),),
        problems=("invalid_request", "rate_limited"),
        parameters=("From", "To", "UsageLimit", "Cursor"),
        description=(
            "In the order in which they happened. The list ends ten seconds before now; if nothing moved since, its "
            "last `balance_credits` is that of `GET /v1/account`. A movement is listed on its own day: a job may hold "
            f"on one day and spend on the next. {_CSV}"
        ),
        tag="account",
    ),
    Operation(
        "GET",
        "/v1/usage",
        "list_usage",
        "What the tenant used, by day and model, oldest first",
        (Answer(HTTPStatus.OK, "A page of usage.", UsageList, (), examples.USAGE_LIST),),
        problems=("invalid_request", "rate_limited"),
        parameters=("From", "To", "GroupBy", "UsageLimit", "Cursor"),
        description="Counted on the day in UTC on which a job ended, whatever its end; `credits` are what was spent.",
        tag="account",
    ),
    *ACCOUNT_OPERATIONS,
    Operation(
        "GET",
        "/v1/usage/log",
        "list_usage_log",
        "The tenant's jobs that ended, one line each, oldest end first",
        (Answer(HTTPStatus.OK, "A page of the log.", UsageLog, ("Next-Cursor",), examples.USAGE_LOG, csv=True),),
        problems=("invalid_request", "rate_limited"),
        parameters=("From", "To", "UsageLimit", "Cursor"),
        description=f"Deleted jobs keep their line, without their metadata. {_CSV}",
        tag="account",
    ),
    Operation(
        "POST",
        "/v1/callbacks/{token}",
        "receive_callback",
        "Where a provider says that there is news of a task",
        (Answer(HTTPStatus.NO_CONTENT, "Whatever the token leads to, if to anything; the body is never read."),),
        problems=("not_found",),
        parameters=("CallbackToken",),
        tag="providers",
        public=True,
        description="For providers only. It changes nothing about a job but when it is looked at next.",
    ),
    Operation(
        "GET",
        "/openapi.json",
        "get_document",
        "This document",
        (Answer(HTTPStatus.OK, "An OpenAPI 3.1 document.", {"type": "object"}),),
        tag="service",
        public=True,
        description="It needs no key and costs nothing.",
    ),
    Operation(
        "GET",
        "/healthz",
        "get_health",
        "Whether requests reach a function",
        (Answer(HTTPStatus.OK, "They do.", Health, (), {"status": "ok"}),),
        tag="service",
        public=True,
        description="It checks nothing else.",
    ),
)
