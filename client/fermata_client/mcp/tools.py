"""The tools. Each asks the client or the desk once, and answers."""

from contextlib import suppress
from typing import Annotated, Any, Final, Literal

from mcp.server.mcpserver import MCPServer
from mcp.types import ToolAnnotations
from pydantic import Field

from fermata_client.core.progress import Update
from fermata_client.errors import WaitTimeoutError
from fermata_client.mcp.answers import AccountAnswer, JobAnswer, ModelDetails, ModelLine, Models, QuoteAnswer
from fermata_client.mcp.consent import DeskContext, desk_of
from fermata_client.mcp.desk import Desk
from fermata_client.mcp.iteration import closing
from fermata_client.mcp.orders import AnyOrder
from fermata_client.mcp.purchases import order_song, order_speech
from fermata_client.mcp.refusal import RefusalError, in_words

LONGEST_WAIT_S: Final = 300
_JobId = Annotated[str, Field(description="The job's id: `job_` and 26 characters.", max_length=64)]


async def list_models(
    ctx: DeskContext,
    kind: Annotated[Literal["song", "speech"] | None, Field(description="Only what makes this.")] = None,
    sort: Annotated[Literal["price", "p50_s"] | None, Field(description="Cheapest or fastest first.")] = None,
    model: Annotated[str | None, Field(description="Only this model, with its inputs, limits and voices.")] = None,
    language: Annotated[str | None, Field(description="Only voices of this language, a BCP 47 code.")] = None,
) -> Models:
    """List what can be ordered, with prices. Name a `model` to see what it takes, an example and its voices."""
    fermata = desk_of(ctx).fermata
    with in_words():
        found = [each async for each in fermata.models(kind=kind, sort=sort) if model in {None, each.id}]
        if model is None:
            return Models(models=[ModelLine.of(each) for each in found])
        if not found:
            raise RefusalError("there is no such model. Call list_models without `model` to see all of them")
        voices = [each async for each in fermata.voices(model=model, language=language)] if found[0].voices else []
        return Models(models=[ModelLine.of(found[0])], details=ModelDetails.of(found[0], voices))


async def quote(
    ctx: DeskContext, order: Annotated[AnyOrder, Field(description="What would be ordered, with every field.")]
) -> QuoteAnswer:
    """Ask what an order would cost. Nothing is bought. The answer's `quote_id` buys this order once; a second song
    needs a second quote.
    """
    with in_words():
        quote_id, found = await desk_of(ctx).quote(order.fields())
        return QuoteAnswer.of(quote_id, found)


async def get_job(
    ctx: DeskContext,
    job_id: _JobId,
    wait_s: Annotated[
        float, Field(description="How many seconds to wait for its end, with progress.", ge=0, le=LONGEST_WAIT_S)
    ] = 20,
) -> JobAnswer:
    """Look at an order: its state, progress, and once it succeeded fresh links to its files."""
    desk = desk_of(ctx)
    with in_words():
        handle, update = desk.fermata.job(job_id), None
        async with closing(handle.events(timeout_s=wait_s)) as updates:
            with suppress(WaitTimeoutError):
                async for update in updates:
                    await ctx.report_progress(update.progress or 0.0, 1.0, _heading(update))
        job = handle.job or await handle.status()
        desk.spending.saw(job)
        return JobAnswer.of(job, update)


async def cancel_job(ctx: DeskContext, job_id: _JobId) -> JobAnswer:
    """Take an order back while it is queued; its credits return. Once the provider has it, nothing takes it back."""
    desk = desk_of(ctx)
    with in_words():
        job = await desk.fermata.job(job_id).cancel()
        desk.spending.saw(job)
        return JobAnswer.of(job)


async def account(ctx: DeskContext) -> AccountAnswer:
    """Show the credits, and what this session may still spend."""
    desk = desk_of(ctx)
    with in_words():
        return AccountAnswer.of(await desk.fermata.account(), desk.spending)


def add_tools(server: MCPServer[Desk]) -> None:
    """Give a server the tools, with hints for hosts about what each does."""
    reads: dict[str, Any] = {"read_only_hint": True, "destructive_hint": False, "idempotent_hint": True}
    buys: dict[str, Any] = {"read_only_hint": False, "destructive_hint": True, "idempotent_hint": True}
    for tool, title, hints in (
        (list_models, "List models and prices", reads),
        (quote, "Quote an order", reads),
        (order_song, "Buy a song", buys),
        (order_speech, "Buy a speech", buys),
        (get_job, "Look at an order", reads),
        (cancel_job, "Cancel an order", buys),
        (account, "Show the credits", reads),
    ):
        server.add_tool(tool, title=title, annotations=ToolAnnotations(title=title, open_world_hint=True, **hints))


def _heading(update: Update) -> str:
    left = "" if update.remaining_s is None or update.job.is_finished else f", about {update.remaining_s:.0f} s left"
    return f"{update.status}{left}"
