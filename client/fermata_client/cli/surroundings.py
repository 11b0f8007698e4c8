"""What commands touch outside of themselves, in one value that tests replace."""

import json
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, TextIO, TypeVar, cast

import typer
from rich.console import Console
from rich.text import Text

from fermata_client.cli.credentials import Credentials, credentials_of
from fermata_client.cli.exits import ExitCode, exit_code
from fermata_client.client import Fermata
from fermata_client.core.context import checked_key, checked_url
from fermata_client.errors import FermataError, RefusedError, WaitTimeoutError
from fermata_client.text import plain

C = TypeVar("C", bound=Callable[..., None])


def _credentials() -> Credentials:
    return credentials_of(Path(typer.get_app_dir("fermata")) / "config.json")


@dataclass
class Surroundings:
    """The terminal, the credentials, the client, a browser. `as_json` is what the command was asked for."""

    credentials: Credentials = field(default_factory=_credentials)
    client: Callable[[str, str], Fermata] = Fermata
    new_key: Callable[[], str] = lambda: str(uuid.uuid4())
    launch: Callable[[str], object] = typer.launch
    stdin: TextIO = field(default_factory=lambda: sys.stdin)
    out: Console = field(default_factory=lambda: Console(highlight=False, markup=False, emoji=False))
    errors: Console = field(default_factory=lambda: Console(stderr=True, highlight=False, markup=False, emoji=False))
    as_json: bool = False

    def connect(self) -> Fermata:
        """A client with the credentials; raises `SettingsError`."""
        base_url = checked_url(self.credentials.base_url())
        return self.client(checked_key(self.credentials.api_key(base_url)), base_url)

    def say(self, text: str) -> None:
        """A line of the result for people; what a terminal would obey in it is taken out."""
        self.out.print(Text(plain(text)), soft_wrap=True)

    def note(self, text: str) -> None:
        """A line beside the result, on stderr."""
        self.errors.print(Text(plain(text)), soft_wrap=True)

    def give(self, value: object) -> None:
        """The result for programs: JSON in ASCII, in which nothing is left that a terminal would obey."""
        self.out.print(Text(json.dumps(value, indent=2, ensure_ascii=True)), soft_wrap=True)


def here(context: typer.Context) -> Surroundings:
    """The surroundings of a command."""
    root = context.find_root()
    if not isinstance(root.obj, Surroundings):
        root.obj = Surroundings()
    return root.obj


def reported(command: C) -> C:
    """A command whose errors become a message on stderr and an exit code."""

    @wraps(command)
    def run(context: typer.Context, **kwargs: object) -> None:
        at = here(context)
        at.as_json = bool(kwargs.get("as_json", False))
        try:
            command(context, **kwargs)
        except (FermataError, OSError) as error:
            _report(error, at)
            raise typer.Exit(exit_code(error)) from None
        except KeyboardInterrupt:
            at.note("interrupted")
            raise typer.Exit(ExitCode.INTERRUPTED) from None

    return cast("C", run)


def _report(error: FermataError | OSError, at: Surroundings) -> None:
    if at.as_json:
        at.errors.print(Text(json.dumps({"error": _facts(error)}, ensure_ascii=True)), soft_wrap=True)
        return
    at.note(f"{type(error).__name__}: {error}")
    if isinstance(error, WaitTimeoutError):
        at.note(how_to_go_on(error.job.id))
    elif isinstance(error, FermataError) and error.idempotency_key and not isinstance(error, RefusedError):
        at.note(f"order again with --idempotency-key {error.idempotency_key}, and it is bought once")


def _facts(error: FermataError | OSError) -> Mapping[str, Any]:
    facts = {"kind": type(error).__name__, "message": plain(str(error)), "exit_code": int(exit_code(error))}
    for name in ("job_id", "request_id", "idempotency_key", "code", "retry_after_s", "fields", "required_scope"):
        if (value := getattr(error, name, None)) is not None:
            facts[name] = value
    return facts


def how_to_go_on(job_id: str) -> str:
    """What to type to go on waiting for a job."""
    name = plain(job_id, 64)
    return f"{name} goes on. Wait for it: fermata jobs wait {name} -o FILE. Look at it: fermata jobs show {name}"
