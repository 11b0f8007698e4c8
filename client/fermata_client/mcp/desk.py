"""Where one session quotes and buys: each quote at most once, within the session's limit."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fermata_client.aio import AsyncFermata
from fermata_client.errors import InvalidRequestError, RefusedError
from fermata_client.mcp.iteration import closing
from fermata_client.mcp.quotes import QuoteSeal, QuoteTerms
from fermata_client.mcp.refusal import RefusalError
from fermata_client.mcp.spending import Spending
from fermata_client.models.catalogue import Quote
from fermata_client.models.job import Job

QUOTE_METADATA: Final = "fermata_quote"
"""The name under which a job's metadata keeps the nonce of its quote."""
LOOK_BACK: Final = timedelta(hours=1)
"""How much older than its quote a job may seem, because two clocks differ."""
MOST_JOBS: Final = 1_000
"""How many of the newest jobs are searched for the one of a quote."""


@dataclass(frozen=True)
class Deal:
    """A quote that can buy its order, or `job`, which it bought already. `was_agreed` says that the user said yes."""

    terms: QuoteTerms
    order: Mapping[str, Any]
    job: Job | None = None
    was_agreed: bool = False


class Desk:
    """One session with one account."""

    def __init__(self, fermata: AsyncFermata, max_credits: int) -> None:
        self.fermata = fermata
        self.spending = Spending(max_credits)
        self._clock = fermata.subject.clock
        self._seal = QuoteSeal(fermata.subject.api_key, fermata.subject.base_url)
        self._issued: set[str] = set()
        self._agreed: set[str] = set()
        self._bought: dict[str, str] = {}

    async def quote(self, order: Mapping[str, Any]) -> tuple[str, Quote]:
        """A new quote for an order, and what Fermata says about it."""
        found = await self.fermata.quote(**order)
        quote_id = self._seal.seal(order, found.hold_credits, self._clock.wall(), self._new_nonce())
        self._issued.add(quote_id)
        return quote_id, found

    async def deal(self, order: Mapping[str, Any], quote_id: str) -> Deal:
        """What a quote can buy. Raises `RefusalError` where it is altered, expired, over the limit, or no longer true.

        A quote that bought already brings its job, whatever has changed since.
        """
        terms = self._seal.open(quote_id, order)
        is_ours, is_valid = terms.quote_id in self._issued, terms.is_valid(self._clock.wall())
        job = await self._known(terms) or (None if is_ours and is_valid else await self._found(terms))
        if job is None and is_valid:
            job = await self._bought_before_a_change(terms, order)
        if job is not None:
            return Deal(terms, order, job)
        if not is_valid:
            raise RefusalError("this quote is too old to buy, and it bought nothing. Ask for a new quote")
        self.spending.check(terms.idempotency_key, terms.credits)
        return Deal(terms, order, was_agreed=terms.quote_id in self._agreed)

    async def buy(self, deal: Deal) -> Job:
        """The job of a deal: the one that it bought already, or the one that it buys now."""
        if deal.job is not None:
            return deal.job
        key = deal.terms.idempotency_key
        self._agreed.add(deal.terms.quote_id)
        is_new = self.spending.reserve(key, deal.terms.credits)
        try:
            handle = await self.fermata.submit(**self._body(deal), idempotency_key=key)
        except RefusedError as refused:
            if is_new:
                self.spending.release(key)
            raise _in_terms_of_the_quote(refused, deal.terms) from refused
        job = handle.job or await handle.status()
        self._bought[key] = job.id
        self.spending.ordered(key, job, deal.terms.credits)
        return job

    def _body(self, deal: Deal) -> dict[str, Any]:
        """The order as it is sent. It follows from the quote alone, so that a repeat is the same request."""
        return {
            **deal.order,
            "max_credits": deal.terms.credits,
            "metadata": {QUOTE_METADATA: deal.terms.nonce},
        }

    async def _known(self, terms: QuoteTerms) -> Job | None:
        """The job that a quote bought in this session."""
        job_id = self._bought.get(terms.idempotency_key)
        return None if job_id is None else await self.fermata.job(job_id).status()

    async def _bought_before_a_change(self, terms: QuoteTerms, order: Mapping[str, Any]) -> Job | None:
        """None where the order still costs what was quoted. Else the job that the quote bought before that changed;
        without one raises `RefusalError`, or what Fermata says about the order now.
        """
        try:
            now = (await self.fermata.quote(**order)).hold_credits
        except RefusedError:
            job = await self._found(terms)
            if job is None:
                raise
            return job
        if now == terms.credits:
            return None
        job = await self._found(terms)
        if job is None:
            raise RefusalError(
                f"the price changed since the quote: it said {terms.credits} credits, the order now costs {now}. "
                "Nothing was ordered. Ask for a new quote and tell the user its price"
            )
        return job

    async def _found(self, terms: QuoteTerms) -> Job | None:
        """The job that a quote bought in whichever session, as the account's list of jobs shows it."""
        oldest = datetime.fromtimestamp(terms.issued_at, UTC) - LOOK_BACK
        seen = 0
        async with closing(self.fermata.jobs(page_size=100)) as jobs:
            async for job in jobs:
                seen += 1
                if job.metadata.get(QUOTE_METADATA) == terms.nonce:
                    self.spending.link(terms.idempotency_key, job)
                    self._bought[terms.idempotency_key] = job.id
                    return job
                if job.created_at < oldest or seen >= MOST_JOBS:
                    return None
        return None

    def _new_nonce(self) -> str:
        return self._clock.new_key().replace("-", "")


def _in_terms_of_the_quote(refused: RefusedError, terms: QuoteTerms) -> Exception:
    """The price may rise between the look at it and the order, which `max_credits` then refuses."""
    if isinstance(refused, InvalidRequestError) and "/max_credits" in refused.fields:
        return RefusalError(
            f"the price changed since the quote, which said {terms.credits} credits. Nothing was ordered. "
            "Ask for a new quote and tell the user its price"
        )
    return refused
