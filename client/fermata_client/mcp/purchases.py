"""The tools that buy. Their resolvers check the quote and ask the user before the tool's own code runs."""

from typing import Annotated, Final

from mcp.server.mcpserver import ElicitationResult, Resolve
from pydantic import Field

from fermata_client.mcp.answers import JobAnswer
from fermata_client.mcp.consent import Consent, DeskContext, consent_to, deal_of, desk_of, require
from fermata_client.mcp.desk import Deal
from fermata_client.mcp.orders import SongOrder, SpeechOrder
from fermata_client.mcp.refusal import in_words

_ORDER_AGAIN: Final = (
    "It is unknown whether the order arrived. Call again with the same order and the same quote_id: it is bought once"
)
_QuoteId = Annotated[str, Field(description="The quote_id that `quote` answered for exactly this order.")]
_Confirm = Annotated[
    int | None,
    Field(description="The `credits` of the quote, once the user agreed to them. Needed where the host cannot ask."),
]


async def order_song(
    ctx: DeskContext,
    order: SongOrder,
    quote_id: _QuoteId,
    deal: Annotated[Deal, Resolve(deal_of)],
    consent: Annotated[ElicitationResult[Consent], Resolve(consent_to)],
    confirm_credits: _Confirm = None,
) -> JobAnswer:
    """Buy a song that was quoted; it costs credits. Answers at once with a job_id: the song is made in the background.
    Call again with the same arguments after a lost answer: one quote buys one song.
    """
    return await _buy(ctx, deal, consent)


async def order_speech(
    ctx: DeskContext,
    order: SpeechOrder,
    quote_id: _QuoteId,
    deal: Annotated[Deal, Resolve(deal_of)],
    consent: Annotated[ElicitationResult[Consent], Resolve(consent_to)],
    confirm_credits: _Confirm = None,
) -> JobAnswer:
    """Buy a speech that was quoted; it costs credits. Answers at once with a job_id: the speech is made in the
    background. Call again with the same arguments after a lost answer: one quote buys one speech.
    """
    return await _buy(ctx, deal, consent)


async def _buy(ctx: DeskContext, deal: Deal, consent: ElicitationResult[Consent]) -> JobAnswer:
    require(consent)
    with in_words(_ORDER_AGAIN):
        return JobAnswer.of(await desk_of(ctx).buy(deal))
