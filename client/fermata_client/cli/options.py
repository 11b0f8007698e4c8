"""The options that several commands have, each described once."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from fermata_client.cli.exits import ExitCode
from fermata_client.cli.surroundings import Surroundings

AsJson = Annotated[
    bool, typer.Option("--json", help="The result as JSON, nothing else on stdout; errors as JSON, too.")
]
ModelName = Annotated[str, typer.Option("--model", "-m", help="A model of `fermata models`, or auto: the cheapest.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="A file, or a folder: then the job's id is the name.")]
MaxCredits = Annotated[int | None, typer.Option(min=1, help="Refuse the order where it would cost more.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what it would cost, and order nothing.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the file, or return once it is ordered.")]
TimeoutS = Annotated[
    float | None, typer.Option("--timeout", min=0, help="Seconds to wait; then the job goes on alone.")
]
OrderKey = Annotated[str | None, typer.Option("--idempotency-key", help="The key of an order that may have arrived.")]
Fallbacks = Annotated[list[str] | None, typer.Option("--fallback", help="Another model to ask; may be repeated.")]
Live = Annotated[
    bool, typer.Option("--live", help="Heard while it is made, where the model can: see jobs show --json.")
]
Subtitles = Annotated[bool, typer.Option("--subtitles", help="A second file with the times of the sentences.")]
OnUnknown = Annotated[
    Literal["fail", "fallback"] | None,
    typer.Option(help="If nobody knows whether a provider charged: give up, or ask the next model and risk two bills."),
]
FinishBy = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%dT%H:%M:%S%z"], help="When it is no longer wanted nor paid: 2027-01-31T18:00:00Z."),
]
CallbackUrl = Annotated[str | None, typer.Option(help="Where the job's end is posted; else to the account's endpoint.")]
Title = Annotated[str | None, typer.Option(help="The name of the job.")]
Metadata = Annotated[
    list[str] | None, typer.Option("--metadata", help="NAME=VALUE to keep with the job; may be repeated.")
]
Format = Annotated[str | None, typer.Option("--format", help="mp3 or wav, where the model can.")]
ReferenceTo = Annotated[
    str | None,
    typer.Option("--reference", help="What to sing after: a file, which is uploaded, the id of one, or a https link."),
]
Since = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day, UTC.")]
To = Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day, UTC.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="The same as CSV, with a line of names.")]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.", show_default=False)]

Prompt = Annotated[str | None, typer.Argument(help="The style, in words.", show_default=False)]
Lyrics = Annotated[
    Path | None, typer.Option(help="A file with the words; - reads them from stdin.", show_default=False)
]
Instrumental = Annotated[bool, typer.Option("--instrumental", help="No words.")]
AutoLyrics = Annotated[bool, typer.Option("--auto-lyrics", help="Words written by the provider.")]
DurationS = Annotated[int | None, typer.Option("--duration", min=1, help="Seconds, where the model lets you choose.")]

SpokenText = Annotated[
    str, typer.Argument(metavar="TEXT", help="What to say; - reads it from stdin.", show_default=False)
]
Voice = Annotated[str | None, typer.Option(help="A voice of `fermata voices`.")]
Speed = Annotated[float | None, typer.Option(min=0.5, max=2, help="Times the voice's own speed.")]
Language = Annotated[str | None, typer.Option(help="A BCP 47 code, such as de.")]
Emotion = Annotated[str | None, typer.Option(help="An emotion, where the model has some.")]
QuotedText = Annotated[str | None, typer.Option(help="What to say: the price of a speech.", show_default=False)]


def day_of(moment: datetime | None) -> date | None:
    """The day of an option, None where it is not given."""
    return None if moment is None else moment.date()


def pairs_of(at: Surroundings, metadata: list[str] | None) -> dict[str, str]:
    """The names and values of `--metadata`; ends the command where one is none."""
    pairs = [each.partition("=") for each in metadata or []]
    if wrong := [name for name, equals, _ in pairs if not equals or not name]:
        at.note(f"expected --metadata NAME=VALUE, found {wrong[0]}")
        raise typer.Exit(ExitCode.USAGE)
    return {name: value for name, _, value in pairs}
