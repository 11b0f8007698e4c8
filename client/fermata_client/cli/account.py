"""`fermata models`, `voices`, `account`, `usage`, `login` and `logout`."""

from datetime import datetime
from typing import Annotated, Literal

import typer

from fermata_client.cli import options
from fermata_client.cli.exits import ExitCode
from fermata_client.cli.shown import jsonable, show_pairs, show_table
from fermata_client.cli.surroundings import Surroundings, here, reported
from fermata_client.core.context import checked_key, checked_url
from fermata_client.errors import ScopeError
from fermata_client.models.answer import Kind

KindOption = Annotated[Kind | None, typer.Option("--kind", help="Only models that make this.")]
Sort = Annotated[Literal["price", "p50_s"] | None, typer.Option(help="Cheapest or quickest first.")]
OfModel = Annotated[str | None, typer.Option("--model", "-m", help="Only voices of this model.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="A day in UTC.")]
GroupBy = Annotated[list[str] | None, typer.Option(help="day, model, key or metadata.NAME; may be repeated.")]
BaseUrl = Annotated[str | None, typer.Argument(metavar="[URL]", help="Where Fermata is.", show_default=False)]
FromStdin = Annotated[bool, typer.Option("--stdin", help="Read the key from stdin instead of asking for it.")]


@reported
def models(context: typer.Context, kind: KindOption = None, sort: Sort = None, as_json: options.AsJson = False) -> None:
    """What can be ordered."""
    at = here(context)
    with at.connect() as fermata:
        found = list(fermata.models(kind=kind, sort=sort))
    if as_json:
        at.give([jsonable(each) for each in found])
        return
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
    show_table(at, ("model", "kind", "credits", "usually", ""), rows)


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
    if as_json:
        at.give([jsonable(each) for each in found])
    else:
        show_table(at, ("voice", "name", "language"), [(each.id, each.name, each.language) for each in found])


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
    since: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day, UTC.")] = None,
    to: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day, UTC.")] = None,
    group_by: GroupBy = None,
    as_json: options.AsJson = False,
) -> None:
    """What was used, by day and model or as --group-by says."""
    at = here(context)
    with at.connect() as fermata:
        days = {"since": since.date() if since else None, "to": to.date() if to else None}
        found = list(fermata.usage(**days, group_by=group_by or ()))
    if as_json:
        at.give([jsonable(each) for each in found])
        return
    rows = []
    for each in found:
        pairs = " ".join(f"{name}={value}" for name, value in (each.metadata or {}).items())
        group = " ".join(str(part) for part in (each.day, each.model, each.key_id, pairs) if part)
        rows.append((group, each.jobs, each.succeeded, each.credits, f"{each.audio_ms / 1000:.1f} s"))
    show_table(at, ("group", "jobs", "succeeded", "credits", "audio"), rows)


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
