"""The command line `fermata` in front of a fake Fermata, with a terminal or without."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from typer.testing import CliRunner

from fermata_client import Fermata
from fermata_client.cli.app import app
from fermata_client.cli.credentials import Credentials
from fermata_client.cli.surroundings import Surroundings
from tests.fakes.client.fake_fermata import API_KEY, BASE_URL, FakeFermata

ENVIRONMENT = {"FERMATA_API_KEY": API_KEY, "FERMATA_BASE_URL": BASE_URL}


@dataclass
class FakeKeyring:
    """A keyring in memory."""

    secrets: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str | None:
        return self.secrets.get(name)

    def put(self, name: str, secret: str) -> None:
        self.secrets[name] = secret

    def forget(self, name: str) -> None:
        self.secrets.pop(name, None)


@dataclass
class Ran:
    """How a command ended, and what it printed."""

    code: int
    out: str
    errors: str

    def json(self) -> Any:  # noqa: ANN401 - whatever JSON it is
        return json.loads(self.out)


@dataclass
class CommandLine:
    """A user with a folder, who types commands."""

    folder: Path
    fermata: FakeFermata = field(default_factory=FakeFermata)
    environment: Mapping[str, str] = field(default_factory=lambda: dict(ENVIRONMENT))
    keyring: FakeKeyring = field(default_factory=FakeKeyring)
    launched: list[str] = field(default_factory=list)
    connected: list[tuple[str, str]] = field(default_factory=list)
    connecting: Callable[[], object] | None = None

    def type(self, *words: str, stdin: str = "", terminal: bool = False) -> Ran:
        """Run a command. What it asks at a terminal is answered from `stdin`, too."""
        out, errors = StringIO(), StringIO()
        at = Surroundings(
            credentials=Credentials(self.keyring, self.folder / "kept" / "config.json", self.environment),
            client=self._connect,
            new_key=lambda: "key-of-the-command",
            launch=self.launched.append,
            stdin=StringIO(stdin),
            out=_console(out, terminal=False),
            errors=_console(errors, terminal=terminal),
        )
        ended = CliRunner().invoke(app, list(words), input=stdin, obj=at)
        if ended.exception and not isinstance(ended.exception, SystemExit):
            raise ended.exception
        return Ran(ended.exit_code, out.getvalue() + ended.stdout, errors.getvalue() + ended.stderr)

    def _connect(self, api_key: str, base_url: str) -> Fermata:
        self.connected.append((api_key, base_url))
        if self.connecting:
            self.connecting()
        return self.fermata.sync(api_key=api_key, base_url=base_url)


def _console(file: StringIO, *, terminal: bool) -> Console:
    return Console(
        file=file, width=200, force_terminal=terminal, highlight=False, markup=False, emoji=False, color_system=None
    )


def command_names() -> set[str]:
    """Every command, with those of groups."""
    names = {name_of(command) for command in app.registered_commands}
    for group in app.registered_groups:
        assert group.typer_instance is not None
        names |= {f"{group.name} {name_of(command)}" for command in group.typer_instance.registered_commands}
    return names


def name_of(command: typer.models.CommandInfo) -> str:
    """What a user types for a command."""
    assert command.callback is not None
    return command.name or command.callback.__name__.replace("_", "-")
