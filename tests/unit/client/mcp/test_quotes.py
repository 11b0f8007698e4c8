"""A quote says what was asked and for how much, and nothing of it can be altered."""

import pytest

from fermata_client.mcp.quotes import CLOCK_WENT_BACK_S, VALID_S, QuoteSeal
from fermata_client.mcp.refusal import RefusalError

ORDER = {"kind": "song", "model": "auto", "prompt": "indie folk"}
SEAL = QuoteSeal("fk_abcdefgh_secret", "https://api.example.com")
QUOTE_ID = SEAL.seal(ORDER, 30, 1_795_262_400.9, "nonce-1")


def test_a_quote_is_read_as_it_was_made_whatever_the_order_of_the_fields() -> None:
    terms = SEAL.open(f" {QUOTE_ID}\n", dict(reversed(ORDER.items())))

    assert (terms.credits, terms.issued_at, terms.nonce) == (30, 1_795_262_400, "nonce-1")
    assert terms.quote_id == QUOTE_ID


def test_another_process_with_the_same_key_at_the_same_address_reads_it() -> None:
    assert QuoteSeal("fk_abcdefgh_secret", "https://api.example.com").open(QUOTE_ID, ORDER).credits == 30


@pytest.mark.parametrize(
    "seal",
    [
        QuoteSeal("fk_abcdefgh_other", "https://api.example.com"),
        QuoteSeal("fk_abcdefgh_secret", "https://api.example.org"),
    ],
)
def test_another_key_or_another_address_refuses_it(seal: QuoteSeal) -> None:
    with pytest.raises(RefusalError, match="none that this server made"):
        seal.open(QUOTE_ID, ORDER)


@pytest.mark.parametrize("place", range(len(QUOTE_ID)))
def test_a_quote_with_any_character_altered_or_lost_is_refused(place: int) -> None:
    for instead in ("", "0", "1", "A", ".", "é"):
        altered = QUOTE_ID[:place] + instead + QUOTE_ID[place + 1 :]
        if altered != QUOTE_ID:
            with pytest.raises(RefusalError, match="Nothing was ordered"):
                SEAL.open(altered, ORDER)


@pytest.mark.parametrize("text", ["", "q1", "job_01", "q1.30.1.n.d.t", "9" * 100_000, "q1." * 50_000])
def test_what_is_no_quote_is_refused(text: str) -> None:
    with pytest.raises(RefusalError, match="or it was altered"):
        SEAL.open(text, ORDER)


def test_the_idempotency_key_follows_from_the_whole_quote() -> None:
    keys = {
        SEAL.open(SEAL.seal(ORDER, price, now, nonce), ORDER).idempotency_key
        for price, now, nonce in ((30, 0, "a"), (31, 0, "a"), (30, 1, "a"), (30, 0, "b"))
    }

    assert len(keys) == 4
    assert SEAL.open(QUOTE_ID, ORDER).idempotency_key == SEAL.open(QUOTE_ID, ORDER).idempotency_key
    assert all(len(key) <= 255 and key.isascii() and key.isprintable() for key in keys)


def test_a_quote_says_nothing_of_the_order_or_the_key() -> None:
    assert "folk" not in QUOTE_ID
    assert "secret" not in QUOTE_ID


def test_a_quote_buys_for_less_time_than_fermata_remembers_its_key() -> None:
    terms = SEAL.open(QUOTE_ID, ORDER)
    valid = [terms.is_valid(terms.issued_at + age) for age in (0, VALID_S - 1, VALID_S, -CLOCK_WENT_BACK_S)]

    assert valid == [True, True, False, True]
    assert not terms.is_valid(terms.issued_at - CLOCK_WENT_BACK_S - 1)
    assert VALID_S + CLOCK_WENT_BACK_S < 24 * 3600
