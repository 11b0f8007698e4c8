"""The command line as a whole."""

from collections.abc import Callable
from typing import Annotated

import typer

from fermata_client.cli import account, agents, jobs, ordering, webhook

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    # A traceback with the values of variables would show the key.
    pretty_exceptions_enable=False,
    help="Order songs and speech from Fermata. Key and address come from `fermata login`, or from FERMATA_API_KEY and "
    "FERMATA_BASE_URL.",
)
_COMMANDS: tuple[Callable[..., None], ...] = (
    *(ordering.song, ordering.say, ordering.quote),
    *(account.models, account.voices, account.upload),
    *(account.account, account.usage, account.usage_log, account.ledger, account.login, account.logout),
    agents.mcp,
)
for command in _COMMANDS:
    app.command()(command)
app.add_typer(jobs.app, name="jobs")
app.add_typer(webhook.app, name="webhook")


@app.callback()
def main(
    version: Annotated[bool, typer.Option("--version", callback=account.version, is_eager=True)] = False,
) -> None:
    """Options of the command line itself."""
