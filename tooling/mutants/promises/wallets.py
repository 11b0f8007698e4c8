"""What keeps a wallet that is spread over shards within its bounds, and gives every credit that is left."""

from typing import Final

from tooling.mutants.mutant import FERMATA, Mutant

_STORE: Final = f"{FERMATA}/adapters/dynamodb/money"
_SHARDS: Final = f"{_STORE}/wallet_shards.py"
_DEALS: Final = f"{_STORE}/wallet_deals.py"
_TESTS: Final = "tests/fakes/money/test_wallet_shards_in_dynamodb.py"

WALLETS: Final = (
    Mutant(
        "wallets: a share lends what it used up meanwhile",
        _SHARDS,
        'return "#balance >= :amount", {":amount": amount}',
        'return "(#balance >= :amount OR #balance < :amount)", {":amount": amount}',
        (f"{_TESTS}::test_a_share_does_not_lend_what_another_order_took_meanwhile",),
    ),
    Mutant(
        "wallets: an order is refused by shards that were read at different moments",
        _SHARDS,
        "if bound is None or self._is_short(bound, spread, total):",
        "if bound is None or bound:",
        (f"{_TESTS}::test_an_order_is_not_refused_by_shards_that_were_read_at_different_moments",),
    ),
    Mutant(
        "wallets: what came back meanwhile does not stop a refusal",
        _SHARDS,
        'return "#balance <= :read", {":read": share.balance}',
        'return "(#balance <= :read OR #balance > :read)", {":read": share.balance}',
        (f"{_TESTS}::test_an_order_is_not_refused_by_shards_that_were_read_at_different_moments",),
    ),
    Mutant(
        "wallets: an order is refused while another shard has credit",
        _SHARDS,
        "if not self._borrow(bound, spread, total):",
        "if True:\n                raise\n            if not self._borrow(bound, spread, total):",
        (f"{_TESTS}::test_every_credit_is_found_in_whatever_shard_it_is_left",),
    ),
    Mutant(
        "wallets: what is borrowed stays with its lender, too",
        _SHARDS,
        "return self._add(number, bound, spread, -amount, condition, values)",
        "return self._add(number, bound, spread, 0 * amount, condition, values)",
        (f"{_TESTS}::test_every_bound_is_kept_to_the_last",),
    ),
    Mutant(
        "wallets: an order is written while all is dealt anew",
        _DEALS,
        'LIVE: Final = "attribute_exists(pk) AND attribute_not_exists(#closed)"',
        'LIVE: Final = "attribute_exists(pk)"',
        (f"{_TESTS}::test_an_order_that_was_read_before_a_deal_and_is_written_during_it_is_taken_once",),
    ),
    Mutant(
        "wallets: a job ends while all is dealt anew",
        _DEALS,
        'LIVE: Final = "attribute_exists(pk) AND attribute_not_exists(#closed)"',
        'LIVE: Final = "attribute_exists(pk)"',
        (f"{_TESTS}::test_an_end_that_was_read_before_a_deal_and_is_written_during_it_counts_once",),
    ),
    Mutant(
        "wallets: nobody opens what a run that died had closed",
        _DEALS,
        "if self._seen[1] > _PATIENCE:",
        "if self._seen[1] > _PATIENCE * 100:",
        (f"{_TESTS}::test_a_run_that_died_between_closing_and_dealing_holds_nobody_up",),
    ),
    Mutant(
        "wallets: a loss counts in the shard of its job alone",
        _SHARDS,
        "if number != 1 + self._own:",
        "if number > 99:",
        (f"{_TESTS}::test_lost_songs_count_in_every_shard",),
    ),
    Mutant(
        "wallets: what an earlier release settled is forgotten",
        f"{FERMATA}/domain/money/wallet_shares.py",
        "wallets = [plan, *(share.wallet for share in shares)]",
        "wallets = [share.wallet for share in shares]",
        (f"{_TESTS}::test_an_end_by_a_release_before_shards_counts",),
    ),
    Mutant(
        "wallets: more is taken than is left of a plan that was lowered",
        f"{FERMATA}/domain/money/wallet_shares.py",
        "any(left < 0 for bound, left in free.items() if bound is not Bound.ORDERS)",
        "any(left < -(10**9) for bound, left in free.items() if bound is not Bound.ORDERS)",
        (f"{_TESTS}::test_a_wallet_of_which_more_is_taken_than_the_plan_allows_stays_whole",),
    ),
    Mutant(
        "wallets: a share that lent all its orders takes one in a new minute",
        f"{_STORE}/wallet_changes.py",
        '"#submits_per_minute >= :one"',
        '"(#submits_per_minute >= :one OR #submits_per_minute < :one)"',
        (f"{_TESTS}::test_a_share_that_lent_its_orders_meanwhile_takes_none_in_a_new_minute",),
    ),
)
