"""Quotes that an agent carries: signed with the API key, so that a restarted process knows them, and nothing is stored.

A `quote_id` is `q1.CREDITS.ISSUED_AT.NONCE.DIGEST.TAG`. The digest is that of the order, the tag signs everything
before it. The Idempotency-Key of the purchase follows from it, so one quote buys once.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fermata_client.mcp.refusal import RefusalError

VALID_S: Final = 20 * 3600
"""How long a quote can buy, in seconds. Fermata remembers an Idempotency-Key for 24 hours, which has to be longer."""
CLOCK_WENT_BACK_S: Final = 300
"""A quote that is so far in the future was made before this machine's clock went back, and its age is unknown."""
_QUOTE: Final = re.compile(
    r"q1\.(?P<credits>[0-9]{1,12})\.(?P<issued_at>[0-9]{1,12})\.(?P<nonce>[A-Za-z0-9-]{1,64})"
    r"\.(?P<digest>[A-Za-z0-9_-]{22})\.(?P<tag>[A-Za-z0-9_-]{22})"
)
_PURPOSE: Final = b"fermata mcp quote 1 "


@dataclass(frozen=True)
class QuoteTerms:
    """What a quote says: an order with this `digest` costs at most `credits`. `issued_at` is in seconds since 1970."""

    quote_id: str
    credits: int
    issued_at: int
    nonce: str
    digest: str

    @property
    def idempotency_key(self) -> str:
        """The key with which the quote buys once, however often it is used."""
        return f"mcp-{hashlib.sha256(self.quote_id.encode()).hexdigest()[:40]}"

    def is_valid(self, now: float) -> bool:
        """Whether the quote can still buy; `now` is in seconds since 1970."""
        return -CLOCK_WENT_BACK_S <= now - self.issued_at < VALID_S


class QuoteSeal:
    """Makes and reads the quotes of one API key at one address."""

    def __init__(self, api_key: str, base_url: str) -> None:
        self._secret = hmac.new(api_key.encode(), _PURPOSE + base_url.encode(), hashlib.sha256).digest()

    def seal(self, order: Mapping[str, object], most_credits: int, now: float, nonce: str) -> str:
        """The quote_id for an order that costs at most `most_credits`. `nonce` makes it differ from every other."""
        signed = f"q1.{most_credits}.{int(now)}.{nonce}.{digest_of(order)}"
        return f"{signed}.{self._tag(signed)}"

    def open(self, quote_id: str, order: Mapping[str, object]) -> QuoteTerms:
        """What a quote says about an order. Raises `RefusalError` for one that is altered or about another order."""
        found = _QUOTE.fullmatch(quote_id.strip())
        signed, _, tag = quote_id.strip().rpartition(".")
        if found is None or not hmac.compare_digest(tag, self._tag(signed)):
            raise RefusalError(
                "this quote_id is none that this server made for this API key, or it was altered. Nothing was ordered. "
                "Copy the quote_id of `quote` exactly, or ask for a new quote"
            )
        if found["digest"] != digest_of(order):
            raise RefusalError(
                "the order differs from the one that was quoted. Nothing was ordered. Pass exactly the order that "
                "`quote` was asked about, with every field, or ask for a new quote of this one"
            )
        return QuoteTerms(
            quote_id.strip(), int(found["credits"]), int(found["issued_at"]), found["nonce"], found["digest"]
        )

    def _tag(self, signed: str) -> str:
        return _text_of(hmac.new(self._secret, signed.encode(), hashlib.sha256).digest())


def digest_of(order: Mapping[str, object]) -> str:
    """A short digest of an order; the order of its fields makes no difference."""
    return _text_of(hashlib.sha256(json.dumps(order, sort_keys=True).encode()).digest())


def _text_of(digest: bytes) -> str:
    """The first 128 bits, in characters that need no quoting."""
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")
