"""What a client may repeat, and what it takes for a song."""

from typing import Final

from tooling.mutants.mutant import Mutant

_CORE: Final = "client/fermata_client/core"
_TESTS: Final = "tests/unit/client"
_BOUGHT_ONCE: Final = (
    f"{_TESTS}/test_orders.py::test_an_order_that_nobody_answers_names_the_key_with_which_it_is_bought_once"
)
_NEW_KEY: Final = f"{_TESTS}/test_retries.py::test_a_new_key_whose_answer_is_lost_is_not_made_twice"

CLIENT: Final = (
    Mutant(
        "client: an order has no key",
        f"{_CORE}/orders.py",
        'headers={"Idempotency-Key": key}',
        "headers={}",
        (f"{_TESTS}/test_orders.py::test_every_order_carries_a_key_of_its_own",),
    ),
    Mutant(
        "client: the key that the caller repeats is not used",
        f"{_CORE}/orders.py",
        "context.clock.new_key() if idempotency_key is None else idempotency_key",
        "context.clock.new_key()",
        (_BOUGHT_ONCE,),
    ),
    Mutant(
        "client: an error does not name the key of its order",
        f"{_CORE}/orders.py",
        "error.idempotency_key = key",
        "error.idempotency_key = None",
        (_BOUGHT_ONCE,),
    ),
    Mutant(
        "client: a new key is asked for again after a lost answer",
        f"{_CORE}/calls.py",
        "return (repeatable or not error.sent) and not certificate",
        "return not certificate",
        (_NEW_KEY,),
    ),
    Mutant(
        "client: a new key is asked for again after a 503",
        f"{_CORE}/calls.py",
        "return repeatable and error.status in _WORTH_REPEATING",
        "return error.status in _WORTH_REPEATING",
        (_NEW_KEY,),
    ),
    Mutant(
        "client: any bytes are a song",
        f"{_CORE}/download.py",
        "if self._hash.hexdigest() != self.track.sha256:",
        "if not self._hash.hexdigest():",
        (f"{_TESTS}/test_download.py::test_other_bytes_than_were_measured_are_no_song",),
    ),
    Mutant(
        "client: what a range repeats is written twice",
        f"{_CORE}/download.py",
        "self.skip = self.position",
        "self.skip = 0",
        (f"{_TESTS}/test_download.py::test_a_server_that_knows_no_ranges_sends_it_all_again_and_nothing_is_doubled",),
    ),
    Mutant(
        "client: half a file stays under another name",
        f"{_CORE}/download.py",
        "        partial.discard()",
        "        pass",
        (f"{_TESTS}/test_download.py::test_a_download_without_progress_ends_and_leaves_nothing",),
    ),
)
