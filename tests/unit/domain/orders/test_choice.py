"""Whatever models, prices and wallets there are, the choice keeps its bounds."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata.domain.catalogue.models import Catalogue, Estimate, Model, read_catalogue
from fermata.domain.orders.candidates import hold_for
from fermata.domain.orders.choice import Buyer, Circumstances, choose, considered
from fermata.domain.orders.order_request import SongRequest
from fermata.domain.orders.speech_request import none_found
from fermata.errors import NoModelError
from tests.fakes.clock import NOON
from tests.songs import LYRICS, PROMPT

SHIPPED = read_catalogue()
BASE = next(model for model in SHIPPED.models if model.id == "minimax/music-2.5")
UNAVAILABLE = "paused"


def model_at(number: int, price_credits: int, p50_s: int, is_available: bool) -> Model:
    about = {
        "id": f"minimax/{number}",
        "upstream_model": str(number) if is_available else UNAVAILABLE,
        "price_credits": price_credits,
        "estimate": Estimate(p50_s=p50_s, p80_s=100),
    }
    return BASE.model_copy(update=about)


def models() -> st.SearchStrategy[list[Model]]:
    drawn = st.tuples(st.integers(0, 60), st.integers(1, 3), st.booleans())
    return st.lists(drawn, max_size=8).map(
        lambda all_drawn: [model_at(number, *each) for number, each in enumerate(all_drawn)]
    )


@given(
    offered=models(),
    buyer=st.builds(Buyer, st.integers(0, 100), st.integers(0, 150), st.booleans()),
    max_credits=st.none() | st.integers(0, 150),
)
def test_a_choice_is_the_cheapest_and_its_fallbacks_keep_every_bound(
    offered: Sequence[Model], buyer: Buyer, max_credits: int | None
) -> None:
    request = SongRequest(model="auto", prompt=PROMPT, lyrics=LYRICS, max_credits=max_credits)
    catalogue = Catalogue(providers=SHIPPED.providers, models=tuple(offered))
    around = Circumstances(
        now=NOON,
        deadline=None,
        is_available=lambda model, _: model.upstream_model != UNAVAILABLE,
        may_wait=lambda _: True,
        estimate_of=lambda model: model.estimate,
        upload_bytes=None,
        wrong_ids=lambda _: (),
        found_voices=none_found,
    )
    found = considered(request, catalogue, around, buyer)
    assert {each.model for each in found} == {model.id for model in offered}
    now = [each.candidate for each in found if each.can_serve and each.candidate]
    able = now or [each.candidate for each in found if each.waits and each.candidate]
    if not able:
        with pytest.raises(NoModelError) as refused:
            choose(request, found, catalogue, None, buyer)
        assert len(refused.value.fields) == max(1, len(offered))
        return
    chain = choose(request, found, catalogue, None, buyer)
    first = chain[0]
    assert first.price_credits == min(each.price_credits for each in able)
    assert len(chain) <= (3 if now else 1)
    assert len({each.model for each in chain}) == len(chain)
    assert all(each.price_credits <= 2 * first.price_credits for each in chain)
    assert all((each.upstream_model != UNAVAILABLE) is bool(now) for each in chain)
    if len(chain) > 1 or first.price_credits <= buyer.holdable_credits:
        hold = hold_for(chain, pays_unknown=buyer.pays_unknown)
        assert hold <= buyer.holdable_credits
        assert max_credits is None or hold <= max_credits
