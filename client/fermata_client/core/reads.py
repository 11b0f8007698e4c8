"""Everything that is read about the account and the catalogue, lists by pages, and the account's keys."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal

from pydantic import ValidationError

from fermata_client.core.calls import call, get, value
from fermata_client.core.context import Context
from fermata_client.core.flow import Emit, Flow
from fermata_client.errors import NotFermataError, SettingsError
from fermata_client.models.account import Account, Key, LedgerEntry, NewKey, UsageEntry, UsageLogEntry
from fermata_client.models.answer import Answer, Kind
from fermata_client.models.catalogue import Model, Voice
from fermata_client.models.job import Job, JobStatus


class _Page(Answer):
    data: list[Any]
    next_cursor: str | None = None


def account(context: Context) -> Flow[Account]:
    """The plan and the credits."""
    return (yield from get(context, Account, "account"))


def models(context: Context, *, kind: Kind | None = None, sort: Literal["price", "p50_s"] | None = None) -> Flow[None]:
    """What can be ordered."""
    yield from _every(context, Model, "models", query={"kind": kind, "sort": sort})


def voices(context: Context, *, model: str | None = None, language: str | None = None) -> Flow[None]:
    """The voices of models that speak; `language` is a BCP 47 code."""
    yield from _every(context, Voice, "voices", query={"model": model, "language": language})


def jobs(
    context: Context,
    *,
    status: JobStatus | None = None,
    model: str | None = None,
    since: date | datetime | None = None,
    to: date | datetime | None = None,
    metadata: Mapping[str, str] | None = None,
    page_size: int | None = None,
) -> Flow[None]:
    """The account's jobs, newest first: those that all of the filters let through. `metadata` has names with values."""
    named = {f"metadata.{name}": each for name, each in (metadata or {}).items()}
    query = {"status": status, "model": model, "from": _moment(since), "to": _moment(to), **named, "limit": page_size}
    yield from _every(context, Job, "jobs", query=query)


def usage(
    context: Context, *, since: date | None = None, to: date | None = None, group_by: Sequence[str] = ()
) -> Flow[None]:
    """What was used from one day (UTC) to another: without them from the first of this month until today.

    `group_by` has `day`, `model`, `key` or one `metadata.NAME`; without it days and models.
    """
    query = {"from": since, "to": to, "group_by": ",".join(group_by) or None}
    yield from _every(context, UsageEntry, "usage", query=query)


def usage_log(context: Context, *, since: date | None = None, to: date | None = None) -> Flow[None]:
    """One entry for each job that ended, by its end; days as for `usage`."""
    yield from _every(context, UsageLogEntry, "usage", "log", query={"from": since, "to": to})


def usage_log_csv(context: Context, *, since: date | None = None, to: date | None = None) -> Flow[None]:
    """The same as CSV, in pieces: the first begins with the line of names."""
    yield from _csv(context, "usage", "log", query={"from": since, "to": to})


def ledger(context: Context, *, since: date | None = None, to: date | None = None) -> Flow[None]:
    """Every movement of credits in order, with the balance after it; days as for `usage`."""
    yield from _every(context, LedgerEntry, "ledger", query={"from": since, "to": to})


def ledger_csv(context: Context, *, since: date | None = None, to: date | None = None) -> Flow[None]:
    """The same as CSV, in pieces: the first begins with the line of names."""
    yield from _csv(context, "ledger", query={"from": since, "to": to})


def keys(context: Context) -> Flow[None]:
    """The account's keys without their secrets, newest first. All about keys needs the scope `account:manage`."""
    yield from _every(context, Key, "keys", query={})


def create_key(
    context: Context,
    *,
    name: str | None = None,
    scopes: Sequence[str] | None = None,
    expires_at: datetime | None = None,
    monthly_credits: int | None = None,
) -> Flow[NewKey]:
    """A new key, shown once. Not repeated where its answer was lost: look at the list, and revoke what nobody holds."""
    body = _given(name=name, scopes=scopes, expires_at=expires_at, monthly_credits=monthly_credits)
    return (yield from value(context, context.request("POST", "keys", body=body), NewKey, repeatable=False))


def rotate_key(
    context: Context,
    key_id: str,
    *,
    overlap_s: int | None = None,
    expires_at: datetime | None = None,
    monthly_credits: int | None = None,
) -> Flow[NewKey]:
    """A new key that replaces another, which goes on for `overlap_s` seconds (a day). Not repeated, as `create`."""
    body = _given(overlap_s=overlap_s, expires_at=expires_at, monthly_credits=monthly_credits)
    request = context.request("POST", "keys", key_id, "rotate", body=body)
    return (yield from value(context, request, NewKey, repeatable=False))


def revoke_key(context: Context, key_id: str) -> Flow[None]:
    """End a key, within a minute."""
    yield from call(context, context.request("DELETE", "keys", key_id))


def _every(context: Context, kind: type[Answer], *path: str, query: Mapping[str, object]) -> Flow[None]:
    """Emit every entry of a list, page after page."""
    cursor: str | None = None
    while True:
        page = yield from get(context, _Page, *path, query={**query, "cursor": cursor})
        for entry in page.data:
            yield Emit(_entry(kind, entry))
        if page.next_cursor is None or page.next_cursor == cursor:
            return
        cursor = page.next_cursor


def _csv(context: Context, *path: str, query: Mapping[str, object]) -> Flow[None]:
    """Emit the text of every page; all but the first without their line of names."""
    cursor: str | None = None
    while True:
        request = context.request("GET", *path, query={**query, "cursor": cursor}, headers={"Accept": "text/csv"})
        page = yield from call(context, request)
        kind = page.headers.get("content-type", "no content type").partition(";")[0]
        if kind != "text/csv":
            raise NotFermataError(f"expected text/csv, found {page.status} with {kind}", status=page.status)
        text = page.body.decode("utf-8", "replace")
        # No name has a line end in it, so the first one ends the line of names.
        yield Emit(text if cursor is None else text.partition("\n")[2])
        following = page.headers.get("next-cursor")
        if following is None or following == cursor:
            return
        cursor = following


def _moment(moment: date | datetime | None) -> str | None:
    """A day, or a moment in RFC 3339; raises `SettingsError` for one without a time zone."""
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise SettingsError("a moment has no time zone; use datetime.now(UTC) - timedelta(...), or a day")
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return None if moment is None else moment.isoformat()


def _entry(kind: type[Answer], entry: object) -> Answer:
    try:
        return kind.model_validate(entry)
    except ValidationError as error:
        wrong = ".".join(map(str, error.errors()[0]["loc"]))
        raise NotFermataError(f"expected a {kind.__name__} in the list, found another {wrong}", status=200) from None


def _given(**fields: object) -> dict[str, object]:
    texts = {name: each.isoformat() if isinstance(each, datetime) else each for name, each in fields.items()}
    return {name: each for name, each in texts.items() if each is not None}
