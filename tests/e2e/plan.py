"""What a run of the end-to-end tests orders, and the guard that lets it begin: nothing else is ordered, and no order
begins before all of them were quoted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

MODEL: Final = "minimax/music-1.5"
"""The cheapest model that ships, which can be heard while it sings."""
FEW_CREDITS: Final = 100
"""The most that a run on a stack of simulated providers holds unless it is told another number."""
CREDIT_USD: Final = Decimal("0.005")
"""Of the provider's list price, for each credit of the shipped catalogue."""

_WORDS: Final = {"prompt": "indie folk, rainy evening", "lyrics": "[Verse]\nRain on the window\n[Chorus]\nStay a while"}
ORDERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "song": {"title": "Rain on the window"},
    "canceled": {},
    "file": {},
    "line": {},
    "event": {},
    "live": {"live": True},
}
"""The orders of a run by name, without model, words and metadata."""


class RefusedError(Exception):
    """A run may not begin; the message says why, and what to set."""


@dataclass(frozen=True)
class Budget:
    """The most that all orders of a run may hold together, in credits and in USD of the provider's list price; None for
    what was not given.
    """

    credits: int | None = None
    usd: Decimal | None = None
    credit_usd: Decimal = CREDIT_USD

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Budget":
        """Read `E2E_MAX_CREDITS`, `E2E_MAX_USD` and `E2E_CREDIT_USD`; raises `RefusedError`."""
        credit_usd = _number(environment, "E2E_CREDIT_USD")
        most = _number(environment, "E2E_MAX_CREDITS")
        return cls(
            None if most is None else int(most),
            _number(environment, "E2E_MAX_USD"),
            CREDIT_USD if credit_usd is None else credit_usd,
        )


def check_budget(quotes: Mapping[str, int], budget: Budget, *, simulated: bool) -> int:
    """Return what all orders may cost together in credits, if the budget has room for it; raises `RefusedError`.

    `quotes` has what each order would hold. A stack whose providers are not known to be simulated needs a budget.
    """
    needed = sum(quotes.values())
    cost = f"the run orders {len(quotes)} songs for {needed} credits, {needed * budget.credit_usd} USD"
    if not simulated and budget.credits is None and budget.usd is None:
        raise RefusedError(f"{cost}; these providers cost money, so set E2E_MAX_CREDITS or E2E_MAX_USD")
    most = FEW_CREDITS if budget.credits is None and budget.usd is None else budget.credits
    if most is not None and needed > most:
        raise RefusedError(f"{cost}; at most {most} credits are allowed (E2E_MAX_CREDITS)")
    if budget.usd is not None and needed * budget.credit_usd > budget.usd:
        raise RefusedError(f"{cost}; at most {budget.usd} USD are allowed (E2E_MAX_USD)")
    return needed


def order(name: str, run: str, model: str = MODEL) -> dict[str, Any]:
    """The body of an order of the plan; its metadata name the run and the order."""
    return {"model": model, **_WORDS, **ORDERS[name], "metadata": {"e2e": run, "order": name}}


def _number(environment: Mapping[str, str], name: str) -> Decimal | None:
    text = environment.get(name, "")
    if not text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal(-1)
    if not number.is_finite() or number < 0:
        raise RefusedError(f"{name}: expected a number of 0 or more, found {text!r}")
    return number
