"""`fermata models`, `voices`, `upload`, `account`, `usage`, `usage-log`, `ledger`, `login` and `logout`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.text import Text

from fermata_client.cli import options
from fermata_client.cli.exits import ExitCode
from fermata_client.cli.shown import jsonable, show_list, show_pairs
from fermata_client.cli.surroundings import Surroundings, here, reported
from fermata_client.core.context import checked_key, checked_url
from fermata_client.errors import ScopeError
from fermata_client.models.answer import Kind
from fermata_client.text import plain

KindOption = Annotated[Kind | None, typer.Option("--kind", help="Only models that make this.")]
Sort = Annotated[Literal["price", "p50_s"] | None, typer.Option(help="Cheapest or quickest first.")]
OfModel = Annotated[str | None, typer.Option("--model", "-m", help="Only voices of this model.")]
GroupBy = Annotated[list[str] | None, typer.Option(help="day, model, key or metadata.NAME; may be repeated.")]
BaseUrl = Annotated[str | None, typer.Argument(metavar="[URL]", help="Where Fermata is.", show_default=False)]
Recording = Annotated[Path, typer.Argument(metavar="FILE", help="The recording.", show_default=False)]
FromStdin = Annotated[bool, typer.Option("--stdin", help="Read the key from stdin instead of asking for it.")]


@reported
def models(context: typer.Context, kind: KindOption = None, sort: Sort = None, as_json: options.AsJson = False) -> None:
    """What can be ordered."""
    at = here(context)
    with at.connect() as fermata:
        found = list(fermata.models(kind=kind, sort=sort))
    rows = [
        (
            each.id,
            each.kind,
            f"{each.price_credits} per {each.unit.replace('_', ' ')}",
            f"{each.estimate.p50_s} s",
            "" if each.available else "not now",
        )
        for each in found
    ]
    show_list(at, found, ("model", "kind", "credits", "usually", ""), rows, as_json=as_json)


@reported
def voices(
    context: typer.Context,
    model: OfModel = None,
    language: options.Language = None,
    as_json: options.AsJson = False,
) -> None:
    """The voices of models that speak."""
    at = here(context)
    with at.connect() as fermata:
        found = list(fermata.voices(model=model, language=language))
    rows = [(each.id, each.name, each.language) for each in found]
    show_list(at, found, ("voice", "name", "language"), rows, as_json=as_json)


@reported
def account(context: typer.Context, as_json: options.AsJson = False) -> None:
    """The plan and the credits."""
    at = here(context)
    with at.connect() as fermata:
        found = fermata.account()
    if as_json:
        at.give(jsonable(found))
        return
    show_pairs(
        at,
        [
            ("account", f"{found.tenant_id} ({found.plan})"),
            ("available", f"{found.available_credits} credits"),
            ("held", f"{found.held_credits} credits in {found.in_flight_jobs} open jobs"),
            ("spent this month", f"{found.spent_this_month_credits} credits ({found.month})"),
        ],
    )


@reported
def usage(
    context: typer.Context,
    since: options.Since = None,
    to: options.To = None,
    group_by: GroupBy = None,
    as_json: options.AsJson = False,
) -> None:
    """What was used, by day and model or as --group-by says."""
    at = here(context)
    with at.connect() as fermata:
        entries = fermata.usage(since=options.day_of(since), to=options.day_of(to), group_by=group_by or ())
        found = list(entries)
    rows = []
    for each in found:
        pairs = " ".join(f"{name}={value}" for name, value in (each.metadata or {}).items())
        group = " ".join(str(part) for part in (each.day, each.model, each.key_id, pairs) if part)
        rows.append((group, each.jobs, each.succeeded, each.credits, f"{each.audio_ms / 1000:.1f} s"))
    show_list(at, found, ("group", "jobs", "succeeded", "credits", "audio"), rows, as_json=as_json)


@reported
def usage_log(
    context: typer.Context,
    since: options.Since = None,
    to: options.To = None,
    as_csv: options.AsCsv = False,
    as_json: options.AsJson = False,
) -> None:
    """One line for each job that ended, this month or in the given days."""
    at = here(context)
    first, last = options.day_of(since), options.day_of(to)
    with at.connect() as fermata:
        if as_csv:
            _give_csv(at, fermata.usage_log_csv(since=first, to=last))
            return
        found = list(fermata.usage_log(since=first, to=last))
    rows = [(each.finished_at, each.job_id, each.status, each.model, each.credits) for each in found]
    show_list(at, found, ("finished", "job", "status", "model", "credits"), rows, as_json=as_json)


@reported
def ledger(
    context: typer.Context,
    since: options.Since = None,
    to: options.To = None,
    as_csv: options.AsCsv = False,
    as_json: options.AsJson = False,
) -> None:
    """Every movement of credits with the balance after it, this month or in the given days."""
    at = here(context)
    first, last = options.day_of(since), options.day_of(to)
    with at.connect() as fermata:
        if as_csv:
            _give_csv(at, fermata.ledger_csv(since=first, to=last))
            return
        found = list(fermata.ledger(since=first, to=last))
    rows = [(each.at, each.kind, each.credits, each.balance_credits, each.job_id or each.note) for each in found]
    show_list(at, found, ("at", "kind", "credits", "balance", ""), rows, as_json=as_json)


def _give_csv(at: Surroundings, pieces: Iterator[str]) -> None:
    """Print each page as it comes; what a terminal would obey is taken out."""
    for piece in pieces:
        for line in piece.splitlines():
            at.out.print(Text(plain(line, len(line))), soft_wrap=True)


@reported
def upload(context: typer.Context, file: Recording, as_json: options.AsJson = False) -> None:
    """Upload a recording (MP3, WAV or FLAC) to sing after, and print its id for --reference. Nothing is paid."""
    at = here(context)
    with at.connect() as fermata:
        found = fermata.upload_reference(file)
    if as_json:
        at.give({"id": found.id, "expires_at": jsonable(found)["expires_at"]})
    else:
        at.note(f"orders may name it until {found.expires_at:%Y-%m-%d %H:%M:%S} UTC")
        at.say(found.id)


@reported
def login(
    context: typer.Context, url: BaseUrl = None, stdin: FromStdin = False, as_json: options.AsJson = False
) -> None:
    """Keep a key in this platform's keyring, once Fermata takes it. It is not shown and in no file."""
    at = here(context)
    base_url = checked_url(url or at.credentials.base_url())
    api_key = checked_key(at.stdin.readline() if stdin else typer.prompt("API key", hide_input=True, err=True))
    tenant = _tenant_of(at, api_key, base_url)
    at.credentials.keep(base_url, api_key)
    if as_json:
        at.give({"base_url": base_url, "tenant_id": tenant})
    else:
        at.note(f"logged in at {base_url} as {tenant or 'a key that may not read its account'}")


def _tenant_of(at: Surroundings, api_key: str, base_url: str) -> str | None:
    with at.client(api_key, base_url) as fermata:
        try:
            return fermata.account().tenant_id
        except ScopeError:
            return None


@reported
def logout(context: typer.Context, url: BaseUrl = None, as_json: options.AsJson = False) -> None:
    """Keep the key no longer. It stays valid: revoke it where it was issued."""
    at = here(context)
    base_url = checked_url(url or at.credentials.base_url())
    at.credentials.forget(base_url)
    if as_json:
        at.give({"base_url": base_url})
    else:
        at.note(f"logged out at {base_url}")


def version(asked: bool) -> None:
    """Show the version and end."""
    if asked:
        from fermata_client.version import __version__

        typer.echo(f"fermata {__version__}")
        raise typer.Exit(ExitCode.DONE)
