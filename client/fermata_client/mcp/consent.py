"""Asking before a purchase: the user, where the host can ask them; else the agent has to repeat the price."""

from typing import Annotated, Any, Final

from mcp.server.mcpserver import Context, Elicit, ElicitationResult, Resolve
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.resolve import AcceptedElicitation
from pydantic import BaseModel, Field

from fermata_client.mcp.desk import Deal, Desk
from fermata_client.mcp.orders import SongOrder, SpeechOrder
from fermata_client.mcp.refusal import RefusalError, in_words
from fermata_client.text import plain

DeskContext = Context[Desk, Any]
_EXCERPT: Final = 160


class Consent(BaseModel):
    """What the user is asked."""

    buy: bool = Field(title="Buy", description="Whether to order this and pay for it.")


def desk_of(ctx: DeskContext) -> Desk:
    """The session's desk."""
    return ctx.request_context.lifespan_context


async def deal_of(ctx: DeskContext, order: SongOrder | SpeechOrder, quote_id: str, confirm_credits: int | None) -> Deal:
    """What the call can buy, checked before anyone is asked."""
    with in_words():
        deal = await desk_of(ctx).deal(order.fields(), quote_id)
        if deal.job is None and not deal.was_agreed:
            _check_confirmation(deal, confirm_credits, can_ask=_can_ask(ctx))
        return deal


async def consent_to(ctx: DeskContext, deal: Annotated[Deal, Resolve(deal_of)]) -> Consent | Elicit[Consent]:
    """Ask the user, unless the host cannot, they said yes to this quote before, or it bought already."""
    if deal.job is not None or deal.was_agreed or not _can_ask(ctx):
        return Consent(buy=True)
    return Elicit(_question(deal), Consent)


def require(consent: ElicitationResult[Consent]) -> None:
    """Raise `ToolError` unless the user said yes."""
    if not isinstance(consent, AcceptedElicitation) or not consent.data.buy:
        raise ToolError(
            "the user did not agree to buy this. Nothing was ordered. Do not order it unless they ask again"
        )


def _can_ask(ctx: DeskContext) -> bool:
    """Whether the host shows forms. A bare `elicitation` is from before there were modes, and means forms."""
    declared = ctx.client_capabilities.elicitation if ctx.client_capabilities else None
    return declared is not None and (declared.form is not None or declared.url is None)


def _check_confirmation(deal: Deal, confirm_credits: int | None, *, can_ask: bool) -> None:
    price = deal.terms.credits
    if confirm_credits is None and not can_ask:
        raise RefusalError(
            f"this host cannot ask its user. Nothing was ordered. Tell the user that the order costs at most {price} "
            f"credits; once they agree, call again with confirm_credits={price}"
        )
    if confirm_credits is not None and confirm_credits != price:
        raise RefusalError(
            f"confirm_credits is {confirm_credits}, the quote says {price}. Nothing was ordered. Tell the user that "
            f"the order costs at most {price} credits; once they agree, call again with confirm_credits={price}"
        )


def _question(deal: Deal) -> str:
    order = deal.order
    words = next((order[name] for name in ("title", "prompt", "text", "lyrics") if order.get(name)), "")
    about = f": {plain(words, _EXCERPT)}" if words else ""
    return f"Buy a {order['kind']} ({plain(order['model'], _EXCERPT)}) for at most {deal.terms.credits} credits?{about}"
