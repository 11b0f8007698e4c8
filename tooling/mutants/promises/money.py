"""What keeps every credit of a customer's in the books, and the limits of its plan."""

from typing import Final

from tooling.mutants.mutant import FERMATA, JOB_STORE, Mutant

_KEY_CAPS: Final = "tests/fakes/money/test_key_counters_contract.py"
_KEY_COUNTERS: Final = f"{FERMATA}/adapters/dynamodb/money/key_counters.py"
_WALLET_CHANGES: Final = f"{FERMATA}/adapters/dynamodb/money/wallet_changes.py"
_WALLET_CONDITIONS: Final = "tests/fakes/money/test_wallet_conditions_contract.py"

MONEY: Final = (
    Mutant(
        "settle condition: an end is replaced by another",
        f"{FERMATA}/domain/finish/settlement.py",
        "if job.status.is_terminal:",
        "if job.status.is_terminal and job.failure is None:",
        (
            "tests/unit/use_cases/generation/finish/test_settle_job.py::test_a_settled_job_is_left_exactly_as_it_is_and_the_log_says_so",
        ),
    ),
    Mutant(
        "settle condition: a job ends without its credits",
        JOB_STORE,
        "failed, _ = write_with_wallet(writes, settlement_of(job), self._transactions)",
        "failed = self._transactions.write(writes, self._transactions.deadline())",
        ("tests/fakes/money/test_money_contract.py::test_a_delivered_job_is_spent_when_it_is_settled_and_not_before",),
    ),
    Mutant(
        "ledger half: the wallet moves without an entry",
        f"{FERMATA}/adapters/dynamodb/money/wallet_store.py",
        "**parts, **entries,",
        "**parts,",
        ("tests/fakes/money/test_money_contract.py::test_a_job_is_created_together_with_its_hold",),
    ),
    Mutant(
        "ledger half: a delivered job refunds its whole hold",
        f"{FERMATA}/domain/money/movement.py",
        "yield _entry(job, EntryKind.REFUND, job.hold_credits - job.spent_credits, at)",
        "yield _entry(job, EntryKind.REFUND, job.hold_credits, at)",
        ("tests/unit/domain/money/test_wallet.py::test_an_end_spends_the_delivered_models_price_and_returns_the_rest",),
    ),
    Mutant(
        "ledger half: a part of the songs costs the whole price",
        f"{FERMATA}/domain/jobs/shares.py",
        "return share_of(ordered.price_credits, len(tracks), ordered.songs)",
        "return ordered.price_credits",
        ("tests/fakes/money/test_money_contract.py::test_a_part_of_the_songs_costs_its_share_and_the_rest_comes_back",),
    ),
    Mutant(
        "ledger half: a redelivery holds the whole price again",
        f"{FERMATA}/domain/finish/redelivery.py",
        '"price_credits": job.price_credits - job.song_credits,',
        '"price_credits": job.price_credits,',
        (
            "tests/unit/domain/finish/test_redelivery.py::test_a_chain_of_redeliveries_never_costs_more_than_the_frozen_price",
        ),
    ),
    Mutant(
        "idempotency item: the receipt is not written",
        JOB_STORE,
        "if receipt is not None:",
        "if receipt is not None and False:",
        ("tests/fakes/money/test_money_contract.py::test_a_receipt_is_kept_with_its_job_and_read_back_equal",),
    ),
    Mutant(
        "idempotency item: a key that is taken is taken over",
        JOB_STORE,
        'free = "attribute_not_exists(pk) OR #ttl <= :now"',
        'free = "attribute_not_exists(pk) OR #ttl <= :now OR #ttl > :now"',
        (
            "tests/fakes/money/test_money_contract.py::test_a_key_that_is_taken_stores_no_second_job_and_holds_nothing_more",
        ),
    ),
    Mutant(
        "limits: a minute takes any number of orders",
        _WALLET_CHANGES,
        '        change.conditions.append("#submits_in_minute < #submits_per_minute")\n',
        "",
        (
            "tests/fakes/tenants/test_limits_in_dynamodb.py::test_of_fifty_parallel_orders_a_limit_of_ten_takes_exactly_ten",
        ),
    ),
    Mutant(
        "limits: an end does not give its place back",
        f"{FERMATA}/domain/money/movement.py",
        "return -1 if any",
        "return 0 if any",
        ("tests/fakes/tenants/test_limits_contract.py::test_every_end_gives_its_place_back",),
    ),
    Mutant(
        "limits: of two orders that read the same wallet both pass the cap",
        _WALLET_CHANGES,
        'change.conditions += ["#cap_credits = :cap", f"{committed} <= :limit"]',
        'change.conditions += ["#cap_credits = :cap", f"({committed} <= :limit OR {committed} > :limit)"]',
        (f"{_WALLET_CONDITIONS}::test_of_two_orders_that_read_the_same_wallet_the_second_gets_what_the_first_left",),
    ),
    Mutant(
        "ledger: a job ends again under a later version",
        JOB_STORE,
        'is_open = f"{version} AND attribute_type( #finished_at , :null )"',
        'is_open = f"{version} AND (attribute_type( #finished_at , :null ) OR attribute_exists(pk))"',
        (
            "tests/unit/domain/money/test_ledger.py::test_a_job_ends_once_however_late_and_under_whatever_version_another_end_comes",
        ),
    ),
    Mutant(
        "ledger: a hold has no guard once its job is gone",
        f"{FERMATA}/adapters/dynamodb/money/wallet_store.py",
        "for entry in entries if entry.kind is EntryKind.HOLD)",
        "for entry in entries if entry.kind is EntryKind.NOTE)",
        (
            f"{_WALLET_CONDITIONS}::test_an_order_whose_entry_stands_in_the_ledger_is_not_taken_again_although_its_job_is_gone",
        ),
    ),
    Mutant(
        "ledger: what is spent leaves the balance twice",
        f"{FERMATA}/domain/money/reports/ledger.py",
        "EntryKind.HOLD: -1}",
        "EntryKind.HOLD: -1, EntryKind.SETTLE: -1}",
        ("tests/unit/domain/money/test_ledger.py::test_what_is_spent_left_the_balance_when_it_was_held",),
    ),
    Mutant(
        "ledger: a page shows entries that others may still precede",
        f"{FERMATA}/domain/money/reports/ledger.py",
        "rfc3339(now - SETTLES_IN))",
        "rfc3339(now))",
        (
            "tests/unit/domain/money/test_ledger.py::test_a_page_ends_ten_seconds_before_now_because_younger_entries_may_still_be_written",
        ),
    ),
    Mutant(
        "usage: an end has no line in the log",
        JOB_STORE,
        "**logged(line, self._transactions),",
        "",
        ("tests/unit/domain/money/test_usage_log.py::test_log_usage_and_ledger_say_the_same_credits",),
    ),
    Mutant(
        "usage: the log keeps the metadata of a deleted job",
        JOB_STORE,
        '**relogged(job, self._transactions, "metadata"),',
        "",
        ("tests/unit/domain/money/test_usage_log.py::test_a_deleted_job_keeps_its_line_without_its_metadata",),
    ),
    Mutant(
        "usage: a bill leaves the costs of the log as they were",
        JOB_STORE,
        "{**writes, **entries, **costs}",
        "{**writes, **entries}",
        ("tests/unit/domain/money/test_usage_log.py::test_a_bill_changes_the_costs_of_a_line_and_nothing_else",),
    ),
    Mutant(
        "keys: of two orders that read the same counter both pass the cap",
        _KEY_COUNTERS,
        'condition = f"{condition} AND {change.committed} <= :limit"',
        'condition = f"{condition} AND ({change.committed} <= :limit OR {change.committed} > :limit)"',
        (f"{_KEY_CAPS}::test_of_two_orders_that_read_the_same_counter_the_second_gets_what_the_first_left",),
    ),
    Mutant(
        "keys: two first orders of a key both begin its counter",
        _KEY_COUNTERS,
        '"attribute_not_exists(#month)", "",',
        '"attribute_not_exists(#nothing)", "",',
        (f"{_KEY_CAPS}::test_of_two_orders_that_read_the_same_counter_the_second_gets_what_the_first_left",),
    ),
    Mutant(
        "keys: a month that has begun is begun again",
        _KEY_COUNTERS,
        '_SAME_MONTH: Final = "#month = :read_month"',
        '_SAME_MONTH: Final = "(#month = :read_month OR #month <> :read_month)"',
        (f"{_KEY_CAPS}::test_what_begins_a_month_that_has_begun_meanwhile_forgets_nothing_that_was_spent_in_it",),
    ),
    Mutant(
        "keys: an end gives nothing back to its key",
        f"{FERMATA}/domain/money/movement.py",
        "        unpaid=int(is_ended_by_caller(job)),\n        key_cap=job.key_cap,\n",
        "        unpaid=int(is_ended_by_caller(job)),\n",
        (f"{_KEY_CAPS}::test_what_was_held_comes_back_to_the_key_with_every_end_without_a_song",),
    ),
    Mutant(
        "keys: a redelivery counts on the key of its order",
        f"{FERMATA}/domain/finish/redelivery.py",
        "        recovered_from=job.id,\n",
        "        recovered_from=job.id,\n        key_cap=job.key_cap,\n",
        (f"{_KEY_CAPS}::test_a_redelivery_counts_on_no_key",),
    ),
    Mutant(
        "usage: an end is not counted",
        JOB_STORE,
        "**counted(line, self._transactions),",
        "",
        ("tests/unit/domain/money/test_usage.py::test_usage_adds_up_by_day_and_model_and_equals_the_ledger",),
    ),
    Mutant(
        "keys: whoever knows an id needs no secret",
        f"{FERMATA}/domain/tenants/api_keys.py",
        "and same and record.is_live",
        "and record.is_live",
        ("tests/unit/use_cases/accounts/test_authorize_request.py",),
    ),
    Mutant(
        "shares: a copy of one song is paid for as another",
        f"{FERMATA}/use_cases/generation/finish/store_audio.py",
        "if same_as is not None:",
        "if False:",
        (
            "tests/unit/use_cases/generation/finish/test_storing_every_song.py::test_one_file_twice_is_one_song_and_paid_as_one",
        ),
    ),
    Mutant(
        "shares: a missing song is paid for",
        f"{FERMATA}/domain/jobs/shares.py",
        "return price_credits * min(delivered, ordered) // ordered",
        "return price_credits",
        ("tests/unit/domain/jobs/test_shares.py::test_a_share_is_rounded_down_to_whole_credits",),
    ),
    Mutant(
        "months: what jobs hold is forgotten when a month begins",
        _WALLET_CHANGES,
        "#committed = #held + :committed",
        "#committed = :committed",
        (f"{_WALLET_CONDITIONS}::test_what_jobs_hold_when_a_month_begins_counts_in_it_beside_its_orders",),
    ),
    Mutant(
        "bounds: an answer without end is read without end",
        f"{FERMATA}/adapters/http/bodies.py",
        "if left < 0:",
        "if left < -1:",
        ("tests/unit/adapters/http/test_answers.py",),
    ),
    Mutant(
        "bounds: an answer of exactly the bound is lost",
        f"{FERMATA}/adapters/http/bodies.py",
        "if left < 0:",
        "if left <= 0:",
        ("tests/unit/adapters/http/test_answers.py",),
    ),
    Mutant(
        "bounds: a file without end is fetched without end",
        f"{FERMATA}/adapters/http/audio_links.py",
        'response.headers.get("content-encoding", ""), MAX_AUDIO_BYTES)',
        'response.headers.get("content-encoding", ""), MAX_AUDIO_BYTES + 1)',
        (
            "tests/integration/adapters/http/test_audio_links.py::test_a_file_of_exactly_the_size_bound_is_taken_and_one_byte_more_is_too_much",
        ),
    ),
    Mutant(
        "lost songs: a deadline is judged by the last songs alone",
        f"{FERMATA}/domain/orders/deadlines.py",
        "return max(self.learned(model).p80_s, model.estimate.p80_s)",
        "return self.learned(model).p80_s",
        (
            "tests/unit/domain/orders/test_deadlines.py::test_quick_songs_make_no_deadline_shorter_than_the_catalogue_does",
        ),
    ),
    Mutant(
        "lost songs: a deadline is judged by the first model alone",
        f"{FERMATA}/domain/orders/deadlines.py",
        "max(chain.items(), key=lambda each: each[1])",
        "next(iter(chain.items()))",
        ("tests/unit/domain/orders/test_deadlines.py::test_a_deadline_is_judged_by_every_model_that_the_order_names",),
    ),
    Mutant(
        "lost songs: a fallback is bought however late",
        f"{FERMATA}/domain/jobs/terms.py",
        "return min(self.start_by, self.finish_by - timedelta(seconds=self.candidates[turn].p80_s))",
        "return min(self.start_by, self.finish_by)",
        ("tests/unit/domain/orders/test_deadlines.py::test_a_fallback_is_bought_only_while_its_song_can_be_in_time",),
    ),
    Mutant(
        "lost songs: late songs teach nothing",
        f"{FERMATA}/domain/jobs/latency.py",
        "if job.status is not JobStatus.SUCCEEDED and not _came_late(job, attempt):",
        "if job.status is not JobStatus.SUCCEEDED:",
        ("tests/unit/domain/jobs/test_latency.py::test_a_song_that_was_ready_and_came_too_late_took_what_it_took",),
    ),
    Mutant(
        "lost songs: an order with a deadline holds no place",
        f"{FERMATA}/domain/jobs/terms.py",
        "return int(self.finish_by is not None)",
        "return 0",
        (
            "tests/fakes/tenants/test_limits_contract.py::test_orders_that_may_be_lost_by_their_own_terms_are_open_only_as_far_as_the_limit_goes",
        ),
    ),
    Mutant(
        "units: a long song costs more than was held for it",
        f"{FERMATA}/domain/jobs/shares.py",
        "return min(measured, ordered.price_credits)",
        "return measured",
        (
            "tests/unit/use_cases/orders/test_prices.py::test_minutes_are_paid_as_they_were_measured_and_never_above_the_hold",
        ),
    ),
    Mutant(
        "units: a price is rounded down",
        f"{FERMATA}/domain/catalogue/units.py",
        "return -(-dividend // divisor)",
        "return dividend // divisor",
        ("tests/unit/domain/catalogue/test_units.py::test_a_price_is_the_exact_amount_rounded_up_to_a_whole_credit",),
    ),
    Mutant(
        "discounts: an order is taken at the discount that its price assumed",
        f"{FERMATA}/domain/money/wallet.py",
        "if hold.discount_percent not in (None, current):",
        "if False:",
        ("tests/unit/use_cases/orders/test_prices.py::test_a_discount_lowers_the_price_and_what_is_held_and_spent",),
    ),
    Mutant(
        "discounts: DynamoDB takes an order at a tier that was passed meanwhile",
        _WALLET_CHANGES,
        'change.conditions.append("#spent_in_month < :tier_end")',
        "pass",
        (
            "tests/fakes/money/test_wallet_conditions_contract.py::test_an_order_is_taken_at_the_tier_that_the_months_spent_credits_reach_at_its_write",
        ),
    ),
    Mutant(
        "lost songs: a waiting order is bought beyond the limit",
        f"{FERMATA}/use_cases/generation/purchase/spending_controls.py",
        "if wallet is None or wallet.may_lose_more(day_of(now)):",
        "if wallet is None or now:",
        (
            "tests/unit/use_cases/generation/finish/test_lost_songs.py::test_an_order_that_waits_while_the_last_song_is_lost_ends_unpaid",
        ),
    ),
    Mutant(
        "lost songs: the second bill is the operator's whatever the plan says",
        f"{FERMATA}/domain/jobs/record.py",
        "return self.song_credits + sum(self.candidates[each.candidate].price_credits for each in unknown)",
        "return self.song_credits",
        (
            "tests/unit/use_cases/generation/finish/test_lost_songs.py::test_a_delivered_job_spends_its_song_and_where_the_plan_says_so_the_second_bill",
        ),
    ),
)
