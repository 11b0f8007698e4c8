"""`fermata jobs`: list, show, wait, open, cancel and delete."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from fermata_client.cli import options
from fermata_client.cli.exits import ExitCode
from fermata_client.cli.shown import jsonable, show_job, show_list
from fermata_client.cli.surroundings import Surroundings, here, how_to_go_on, reported
from fermata_client.cli.waiting import after_ctrl_c, save_all, wait_for
from fermata_client.models.job import Job, JobStatus

app = typer.Typer(no_args_is_help=True, help="Jobs: what was ordered, and what became of it.")

Status = Annotated[JobStatus | None, typer.Option(help="Only jobs in this state.")]
OfModel = Annotated[str | None, typer.Option("--model", "-m", help="Only jobs of this model.")]
Limit = Annotated[int, typer.Option(min=1, help="How many, the newest first.")]
Save = Annotated[Path | None, typer.Option("--output", "-o", help="Save the file there; a folder takes the job's id.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command("list")
@reported
def list_jobs(
    context: typer.Context,
    status: Status = None,
    model: OfModel = None,
    since: options.Since = None,
    to: options.To = None,
    metadata: options.Metadata = None,
    limit: Limit = 20,
    as_json: options.AsJson = False,
) -> None:
    """List the newest jobs, or the newest of those that all options let through."""
    at = here(context)
    first, last, pairs = options.day_of(since), options.day_of(to), options.pairs_of(at, metadata)
    with at.connect() as fermata:
        jobs = fermata.jobs(status=status, model=model, since=first, to=last, metadata=pairs, page_size=min(limit, 100))
        found = list(islice(jobs, limit))
    rows = [(job.id, job.status, job.model, job.price_credits, job.created_at, job.title) for job in found]
    show_list(at, found, ("job", "status", "model", "credits", "ordered", "title"), rows, as_json=as_json)


@app.command()
@reported
def show(context: typer.Context, job: options.JobId, as_json: options.AsJson = False) -> None:
    """Show a job as it is now."""
    at = here(context)
    with at.connect() as fermata:
        found = fermata.job(job).status()
    _give(at, found, as_json=as_json)


@app.command()
@reported
def wait(
    context: typer.Context,
    job: options.JobId,
    output: Save = None,
    timeout: options.TimeoutS = None,
    as_json: options.AsJson = False,
) -> None:
    """Wait until a job has succeeded, and save its file with -o."""
    at = here(context)
    with at.connect() as fermata:
        handle = fermata.job(job)
        with after_ctrl_c(at, lambda: how_to_go_on(handle.id)):
            wait_for(handle, at, timeout)
            files = save_all(handle, output, at) if output else []
        found = handle.result()
    if as_json:
        at.give({"job": jsonable(found), "files": [str(path) for path in files]})
    else:
        show_job(at, found)


@app.command("open")
@reported
def open_job(context: typer.Context, job: options.JobId) -> None:
    """Play the first track in the browser, from a fresh link. Whoever has the link may listen, so it is not printed."""
    at = here(context)
    with at.connect() as fermata:
        handle = fermata.job(job)
        handle.status()
        if not handle.tracks:
            at.note(f"{handle.id} has no track yet; see fermata jobs show")
            raise typer.Exit(ExitCode.REFUSED)
        link = handle.tracks[0].url
    at.launch(link)


@app.command()
@reported
def cancel(context: typer.Context, job: options.JobId, as_json: options.AsJson = False) -> None:
    """Take a job back that is still queued; every credit returns."""
    at = here(context)
    with at.connect() as fermata:
        found = fermata.job(job).cancel()
    _give(at, found, as_json=as_json)


@app.command()
@reported
def delete(context: typer.Context, job: options.JobId, yes: Yes = False, as_json: options.AsJson = False) -> None:
    """Forget a finished job with its words and files. Asks first."""
    at = here(context)
    if not yes and not typer.confirm("Delete the job with its files for good?", err=True):
        raise typer.Exit(ExitCode.USAGE)
    with at.connect() as fermata:
        fermata.job(job).delete()
    if as_json:
        at.give({"id": job, "deleted": True})
    else:
        at.note("deleted")


def _give(at: Surroundings, job: Job, *, as_json: bool) -> None:
    """The job as one JSON document or for people."""
    if as_json:
        at.give(jsonable(job))
    else:
        show_job(at, job)
