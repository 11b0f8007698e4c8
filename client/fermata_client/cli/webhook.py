"""`fermata webhook`: show, set, remove, rotate and test; with a key that has `account:manage`."""

from typing import Annotated

import typer

from fermata_client.cli import options
from fermata_client.cli.exits import ExitCode
from fermata_client.cli.shown import jsonable, show_pairs
from fermata_client.cli.surroundings import here, reported

app = typer.Typer(no_args_is_help=True, help="The webhook: where the ends of jobs are posted.")

Url = Annotated[str, typer.Argument(metavar="URL", help="A public https address on port 443.", show_default=False)]
OverlapS = Annotated[
    int | None, typer.Option("--overlap", min=0, help="Seconds for which the old secret also signs; a day without it.")
]


@app.command()
@reported
def show(context: typer.Context, as_json: options.AsJson = False) -> None:
    """Show where the ends of jobs are posted."""
    at = here(context)
    with at.connect() as fermata:
        found = fermata.webhook.get()
    if as_json:
        at.give(jsonable(found))
        return
    off = f"{found.url} answered 410" if found.disabled_at else None
    secret = "there is one" if found.has_secret else "none yet"
    show_pairs(at, [("posts to", found.url or "nowhere"), ("secret", secret), ("switched off", found.disabled_at)])
    show_pairs(at, [("because", off)])


@app.command("set")
@reported
def set_webhook(context: typer.Context, url: Url, as_json: options.AsJson = False) -> None:
    """Post the ends of jobs to this address. The account's first secret is shown, once."""
    at = here(context)
    with at.connect() as fermata:
        found = fermata.webhook.set(url)
    if as_json:
        at.give(jsonable(found))
        return
    at.note(f"posts to {found.url}; try it with fermata webhook test")
    if found.secret:
        at.say(found.secret)


@app.command()
@reported
def remove(context: typer.Context, as_json: options.AsJson = False) -> None:
    """Post nothing there any more; the secret stays."""
    at = here(context)
    with at.connect() as fermata:
        fermata.webhook.remove()
    if as_json:
        at.give({"url": None})
    else:
        at.note("posts nowhere")


@app.command()
@reported
def rotate(context: typer.Context, overlap: OverlapS = None, as_json: options.AsJson = False) -> None:
    """Make a new secret, shown once; the old one signs for a while, too."""
    at = here(context)
    with at.connect() as fermata:
        found = fermata.webhook.rotate(overlap_s=overlap)
    if as_json:
        at.give(jsonable(found))
        return
    if found.previous_until:
        at.note(f"the old secret signs until {found.previous_until:%Y-%m-%d %H:%M:%S} UTC, too")
    at.say(found.secret)


@app.command("test")
@reported
def try_webhook(context: typer.Context, as_json: options.AsJson = False) -> None:
    """Post a signed message now, and tell what came of it; exit code 1 where it was not taken."""
    at = here(context)
    with at.connect() as fermata:
        found = fermata.webhook.test()
    if as_json:
        at.give(jsonable(found))
    else:
        at.say(f"{found.origin} {found.status_code or found.error} after {found.duration_ms} ms: {found.advice}")
    if not found.delivered:
        raise typer.Exit(ExitCode.BROKEN)
