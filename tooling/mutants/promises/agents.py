"""What an agent may buy, and how often."""

from typing import Final

from tooling.mutants.mutant import Mutant

_MCP: Final = "client/fermata_client/mcp"
_TESTS: Final = "tests/unit/client/mcp"
_PURCHASES: Final = f"{_TESTS}/test_purchases.py"
_CONSENT: Final = f"{_TESTS}/test_consent.py"

AGENTS: Final = (
    Mutant(
        "agents: an order goes out under a key of its own",
        f"{_MCP}/desk.py",
        "**self._body(deal), idempotency_key=key)",
        "**self._body(deal))",
        (f"{_PURCHASES}::test_an_agent_that_repeats_after_a_lost_answer_gets_the_song_that_was_bought",),
    ),
    Mutant(
        "agents: a signature is not compared",
        f"{_MCP}/quotes.py",
        "found is None or not hmac.compare_digest(tag, self._tag(signed))",
        "found is None",
        (f"{_PURCHASES}::test_a_quote_of_another_key_is_refused",),
    ),
    Mutant(
        "agents: a quote buys another order",
        f"{_MCP}/quotes.py",
        'if found["digest"] != digest_of(order):',
        "if False:",
        (f"{_PURCHASES}::test_a_quote_of_another_order_is_refused",),
    ),
    Mutant(
        "agents: a price that changed buys",
        f"{_MCP}/desk.py",
        "if now == terms.credits:",
        "if True:",
        (f"{_PURCHASES}::test_a_quote_whose_price_changed_is_refused_and_buys_nothing",),
    ),
    Mutant(
        "agents: the order itself has no bound",
        f"{_MCP}/desk.py",
        '            "max_credits": deal.terms.credits,\n',
        "",
        (f"{_PURCHASES}::test_a_price_that_rises_between_the_look_and_the_order_buys_nothing",),
    ),
    Mutant(
        "agents: a quote buys however old it is",
        f"{_MCP}/quotes.py",
        "return -CLOCK_WENT_BACK_S <= now - self.issued_at < VALID_S",
        "return True",
        (f"{_PURCHASES}::test_a_quote_expires_before_fermata_forgets_its_key_and_still_finds_what_it_bought",),
    ),
    Mutant(
        "agents: what was bought before a change is not looked for",
        f"{_MCP}/desk.py",
        "if job.metadata.get(QUOTE_METADATA) == terms.nonce:",
        "if False:",
        (f"{_PURCHASES}::test_what_was_bought_before_the_price_changed_is_found",),
    ),
    Mutant(
        "agents: orders at once pass the limit together",
        f"{_MCP}/spending.py",
        "        self.check(key, most_credits)\n        is_new",
        "        is_new",
        (f"{_CONSENT}::test_orders_at_once_stay_within_the_limit_together",),
    ),
    Mutant(
        "agents: a user who does not agree buys",
        f"{_MCP}/consent.py",
        "if not isinstance(consent, AcceptedElicitation) or not consent.data.buy:",
        "if False:",
        (f"{_CONSENT}::test_a_user_who_does_not_agree_buys_nothing",),
    ),
    Mutant(
        "agents: a price that is not confirmed buys where the host cannot ask",
        f"{_MCP}/consent.py",
        "if confirm_credits is None and not can_ask:",
        "if False:",
        (f"{_CONSENT}::test_an_agent_whose_host_cannot_ask_has_to_repeat_the_price",),
    ),
)
