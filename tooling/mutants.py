"""Breaks the promises about money on purpose, one at a time, in a scratch copy, and looks whether a test notices; then
takes what only a store guards away (`tooling.conditions`), which needs no table.

Run with `make mutants`. Exit status 1 where a mutant survives, or where its text is not in its file exactly once: then
the code has moved on and the table has to follow. `ARGS='conditions WORD'` runs the second half alone.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple, TypeVar

ROOT: Final = Path(__file__).parents[1]
COPIED: Final = ("functions", "layers", "local", "statemachine", "tests", "tooling", "pyproject.toml", "template.yaml")
WORKERS: Final = 2
LONGEST_S: Final = 240
"""Far more than any of the tests needs: whoever hangs is killed too, but a busy machine kills nobody."""
Said = TypeVar("Said")
_QUICK: Final = (
    *("-x", "-q", "--tb=short", "--hypothesis-profile=first failure"),
    *("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:anyio"),
)
"""Arguments of pytest: the first failure is enough, and nothing is needed that would only help to find its cause."""
_FERMATA: Final = "layers/fermata/fermata"
_STARTING: Final = f"{_FERMATA}/use_cases/generation/purchase/start_generation.py"
_RESUMING: Final = f"{_FERMATA}/use_cases/generation/finish/resume_generation.py"
_WAITING_LINE: Final = f"{_FERMATA}/domain/providers/queue.py"
_WAITING_LINE_TESTS: Final = "tests/unit/domain/providers/test_queue.py"
_CIRCUIT: Final = f"{_FERMATA}/domain/providers/circuit.py"
_TAKING_TURNS: Final = "tests/unit/use_cases/generation/purchase/test_provider_queue.py"
_JOB_STORE: Final = f"{_FERMATA}/adapters/dynamodb/jobs/job_store.py"
_WALLET_CONDITIONS: Final = "tests/fakes/money/test_wallet_conditions_contract.py"
_INTERLEAVINGS: Final = (
    "tests/unit/use_cases/generation/test_every_interleaving.py::"
    "test_no_interleaving_pays_twice_or_leaves_a_job_behind_in_"
)


class Mutant(NamedTuple):
    """One mutation of a file, and the tests (pytest's node ids) of which one must fail."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTANTS: Final = (
    Mutant(
        "claim condition: any version may be replaced",
        _JOB_STORE,
        'return "#version = :before"',
        'return "attribute_exists(pk) OR #version = :before"',
        ("tests/fakes/jobs/test_job_store_contract.py::test_of_two_writers_that_read_the_same_version_one_wins",),
    ),
    Mutant(
        "claim condition: a second run claims too",
        _STARTING,
        "if not job.may_claim(ports.clock()):",
        "if not job.may_claim(ports.clock()) and False:",
        (
            "tests/unit/use_cases/generation/purchase/test_start_generation.py::test_a_run_that_comes_while_another_is_posting_waits",
        ),
    ),
    Mutant(
        "claim condition: a lost claim counts as one's own",
        _STARTING,
        "attempt.claim_id == claim_id and",
        "attempt.claim_id and",
        (
            "tests/unit/use_cases/generation/purchase/test_start_generation.py::test_a_run_whose_claim_came_second_posts_nothing_while_the_first_is_posting",
        ),
    ),
    Mutant(
        "claim_until: a silent claim is called unknown at once",
        _RESUMING,
        "silent = now >= attempt.claim_until",
        "silent = True",
        ("tests/unit/use_cases/generation/finish/test_racing_resumes.py",),
    ),
    Mutant(
        "claim_until: a silent claim is never called unknown",
        _RESUMING,
        "silent = now >= attempt.claim_until",
        "silent = False",
        (
            "tests/unit/use_cases/generation/finish/test_resume_generation.py::test_once_the_claim_ran_out_without_an_answer_the_outcome_is_unknown",
        ),
    ),
    Mutant(
        "fence: a staged answer is not believed once the claim ran out",
        _RESUMING,
        "if outcome is not None:",
        "if outcome is not None and not silent:",
        (
            "tests/unit/use_cases/generation/finish/test_resume_generation.py::test_a_staged_answer_is_believed_even_after_the_claim_ran_out",
        ),
    ),
    Mutant(
        "fence: an attempt that was written off is posted all the same",
        _STARTING,
        "return job if mine and not job.status.is_terminal else None",
        "return job",
        (
            "tests/unit/use_cases/generation/purchase/test_start_generation.py::test_two_racing_runs_claim_once_and_post_once",
        ),
    ),
    Mutant(
        "fence: an answer that came too late is forgotten",
        _STARTING,
        "late = _marked_late(current, intended, now)",
        "return current",
        (
            "tests/unit/use_cases/generation/purchase/test_start_generation.py::test_a_fenced_first_run_marks_itself_late_and_changes_nothing_else",
        ),
    ),
    Mutant(
        "settle condition: an end is replaced by another",
        f"{_FERMATA}/domain/finish/settlement.py",
        "if job.status.is_terminal:",
        "if job.status.is_terminal and job.failure is None:",
        (
            "tests/unit/use_cases/generation/finish/test_settle_job.py::test_a_settled_job_is_left_exactly_as_it_is_and_the_log_says_so",
        ),
    ),
    Mutant(
        "settle condition: a job ends without its credits",
        _JOB_STORE,
        "failed, _ = write_with_wallet(writes, settlement_of(job), self._transactions)",
        "failed = self._transactions.write(writes, self._transactions.deadline())",
        ("tests/fakes/money/test_money_contract.py::test_a_delivered_job_is_spent_when_it_is_settled_and_not_before",),
    ),
    Mutant(
        "ledger half: the wallet moves without an entry",
        f"{_FERMATA}/adapters/dynamodb/money/wallet_store.py",
        "WALLET: _move(wallet, movement, transactions), **entries}",
        "WALLET: _move(wallet, movement, transactions)}",
        ("tests/fakes/money/test_money_contract.py::test_a_job_is_created_together_with_its_hold",),
    ),
    Mutant(
        "ledger half: a delivered job refunds its whole hold",
        f"{_FERMATA}/domain/money/wallet.py",
        "yield _entry(job, EntryKind.REFUND, job.hold_credits - job.spent_credits, at)",
        "yield _entry(job, EntryKind.REFUND, job.hold_credits, at)",
        ("tests/unit/domain/money/test_wallet.py::test_an_end_spends_the_delivered_models_price_and_returns_the_rest",),
    ),
    Mutant(
        "ledger half: a part of the songs costs the whole price",
        f"{_FERMATA}/domain/jobs/job.py",
        "return share_of(self.price_credits, len(self.tracks), self.candidate.songs)",
        "return self.price_credits",
        ("tests/fakes/money/test_money_contract.py::test_a_part_of_the_songs_costs_its_share_and_the_rest_comes_back",),
    ),
    Mutant(
        "ledger half: a redelivery holds the whole price again",
        f"{_FERMATA}/domain/finish/redelivery.py",
        '"price_credits": job.price_credits - job.song_credits,',
        '"price_credits": job.price_credits,',
        (
            "tests/unit/domain/finish/test_redelivery.py::test_a_chain_of_redeliveries_never_costs_more_than_the_frozen_price",
        ),
    ),
    Mutant(
        "reaper condition: a job is settled when its execution was missed once",
        f"{_FERMATA}/domain/finish/overdue.py",
        'return Settle("Execution.ABSENT") if again <= now else',
        'return Settle("Execution.ABSENT") if again else',
        (
            "tests/unit/use_cases/generation/finish/test_reap_jobs.py::test_what_is_done_follows_from_the_record_and_the_execution",
        ),
    ),
    Mutant(
        "reaper condition: a running execution is settled over",
        f"{_FERMATA}/domain/finish/overdue.py",
        "return LookAgain(_until_the_deadline(job, now + timedelta(seconds=patience.idle_s)))",
        'return Settle("Execution.ENDED")',
        (
            "tests/unit/use_cases/generation/finish/test_reap_jobs.py::test_what_is_done_follows_from_the_record_and_the_execution",
        ),
    ),
    Mutant(
        "idempotency item: the receipt is not written",
        _JOB_STORE,
        "if receipt is not None:",
        "if receipt is not None and False:",
        ("tests/fakes/money/test_money_contract.py::test_a_receipt_is_kept_with_its_job_and_read_back_equal",),
    ),
    Mutant(
        "idempotency item: a key that is taken is taken over",
        _JOB_STORE,
        'free = "attribute_not_exists(pk) OR #ttl <= :now"',
        'free = "attribute_not_exists(pk) OR #ttl <= :now OR #ttl > :now"',
        (
            "tests/fakes/money/test_money_contract.py::test_a_key_that_is_taken_stores_no_second_job_and_holds_nothing_more",
        ),
    ),
    Mutant(
        "resume posting: whatever it is told, the function may post",
        "functions/start_generation/app.py",
        'if event["may_post"] is True:',
        'if event["may_post"] is not None:',
        ("tests/unit/functions/test_handlers.py::test_start_generation_buys_a_song_only_when_it_is_told_that_it_may",),
    ),
    Mutant(
        "resume posting: the machine's resume may post",
        "statemachine/music_job.asl.json",
        '"may_post": false',
        '"may_post": true',
        (
            "tests/unit/tooling/template/test_paid_once.py::test_every_error_of_an_order_leads_to_the_resume_which_cannot_order",
        ),
    ),
    Mutant(
        "resume posting: the machine orders again after an error",
        "statemachine/music_job.asl.json",
        '"ResultPath": "$.start_error", "Next": "ResumeGeneration"',
        '"ResultPath": "$.start_error", "Next": "StartGeneration"',
        (
            "tests/unit/tooling/template/test_paid_once.py::test_every_error_of_an_order_leads_to_the_resume_which_cannot_order",
        ),
    ),
    Mutant(
        "staging order: the verdict comes from the wire",
        _STARTING,
        "ports.resume.answers.keep(job.id, attempt.number, answer)",
        "from fermata.use_cases.generation.follow.parse_answer import read_answer\n"
        "            return ports.resume.providers(attempt.dialect).read_start(read_answer(answer))",
        (
            "tests/unit/use_cases/generation/purchase/test_start_generation.py::test_a_blocking_provider_answers_with_a_song_that_is_ready_to_store",
        ),
    ),
    Mutant(
        "interleavings: a second run claims too",
        _STARTING,
        "if not job.may_claim(ports.clock()):",
        "if not job.may_claim(ports.clock()) and False:",
        (f"{_INTERLEAVINGS}memory",),
    ),
    Mutant(
        "interleavings: a job ends without its credits",
        _JOB_STORE,
        "failed, _ = write_with_wallet(writes, settlement_of(job), self._transactions)",
        "failed = self._transactions.write(writes, self._transactions.deadline())",
        (f"{_INTERLEAVINGS}dynamodb",),
    ),
    Mutant(
        "limits: a minute takes any number of orders",
        f"{_FERMATA}/adapters/dynamodb/money/wallet_store.py",
        '        change.conditions.append("#submits_in_minute < #submits_per_minute")\n',
        "",
        (
            "tests/fakes/tenants/test_limits_in_dynamodb.py::test_of_fifty_parallel_orders_a_limit_of_ten_takes_exactly_ten",
        ),
    ),
    Mutant(
        "limits: an end does not give its place back",
        f"{_FERMATA}/domain/money/wallet.py",
        "return -1 if any",
        "return 0 if any",
        ("tests/fakes/tenants/test_limits_contract.py::test_every_end_gives_its_place_back",),
    ),
    Mutant(
        "usage: an end is not counted",
        _JOB_STORE,
        "writes = {**self._changes(job, *_next_version(job)), **counted(usage_of(job), self._transactions)}",
        "writes = self._changes(job, *_next_version(job))",
        ("tests/unit/domain/money/test_usage.py::test_usage_adds_up_by_day_and_model_and_equals_the_ledger",),
    ),
    Mutant(
        "keys: whoever knows an id needs no secret",
        f"{_FERMATA}/domain/tenants/api_keys.py",
        "and same and record.is_live",
        "and record.is_live",
        ("tests/unit/use_cases/accounts/test_authorize_request.py",),
    ),
    Mutant(
        "status rule: a stopped execution is not told of",
        "template.yaml",
        "stateMachineArn: [!Ref MusicJobMachine]\n                status: [FAILED, TIMED_OUT, ABORTED]",
        "stateMachineArn: [!Ref MusicJobMachine]\n                status: [FAILED, TIMED_OUT]",
        (
            "tests/unit/tooling/template/test_paid_once.py::test_every_way_in_which_an_execution_can_stop_by_force_leads_to_settle_job",
        ),
    ),
    Mutant(
        "inbox: versions of a file share a key",
        f"{_FERMATA}/domain/triggers/inbox.py",
        "{self.key}\\0{self.version_id}",
        "{self.key}",
        ("tests/unit/use_cases/triggers/test_ingest_file.py",),
    ),
    Mutant(
        "inbox: lines of a file share a key",
        f"{_FERMATA}/domain/triggers/inbox.py",
        "{self.run} {line or ''}",
        "{self.run}",
        ("tests/unit/domain/triggers/test_batch.py",),
    ),
    Mutant(
        "inbox: a line is submitted again once its receipt has gone",
        f"{_FERMATA}/use_cases/triggers/submit_line.py",
        "for name in ports.inbox.names(line.results_begin):",
        "for name in ():",
        ("tests/unit/domain/triggers/test_batch.py",),
    ),
    Mutant(
        "inbox: a run of refusals goes on to its last line",
        f"{_FERMATA}/use_cases/triggers/submit_line.py",
        "if row.ends_the_run(now):",
        "if False:",
        (
            "tests/unit/domain/triggers/test_batch.py::test_a_run_of_nothing_but_refusals_ends_and_submits_no_other_line",
        ),
    ),
    Mutant(
        "references: a run leaves its copy behind a job that ended meanwhile",
        f"{_FERMATA}/use_cases/generation/purchase/prepare_reference.py",
        "if load_job(job.id, ports.jobs).status.is_terminal:",
        "if False:",
        (
            "tests/unit/use_cases/generation/purchase/test_prepare_reference.py::test_a_run_whose_job_ended_while_it_fetched_leaves_no_copy",
        ),
    ),
    Mutant(
        "references: a drip is read to the deadline",
        f"{_FERMATA}/adapters/http/transport.py",
        "if self._window_bytes < slowest.window_bytes:",
        "if False:",
        ("tests/unit/adapters/http/test_slowest_rate.py",),
    ),
    Mutant(
        "events: a tenant's events are taken although they are off",
        f"{_FERMATA}/use_cases/triggers/ingest_event.py",
        "if not ports.triggers.of_tenant(tenant_id).events:",
        "if False:",
        ("tests/unit/use_cases/triggers/test_ingest_event.py",),
    ),
    Mutant(
        "patience: the first poll that tells nothing ends the job",
        f"{_FERMATA}/use_cases/generation/follow/poll_generation.py",
        "if ports.patience.gives_up_polling(retries, now):",
        "if True:",
        (
            "tests/unit/use_cases/generation/follow/test_poll_generation.py::test_a_song_that_is_there_after_the_trouble_is_taken",
        ),
    ),
    Mutant(
        "patience: any answer makes a route the one that knows the task",
        f"{_FERMATA}/use_cases/generation/follow/ask_task.py",
        "return outcome.told if isinstance(outcome, StillRunning) else not isinstance(outcome, Trouble)",
        "return not _not_found(outcome)",
        ("tests/unit/use_cases/generation/follow/test_polling_routes.py",),
    ),
    Mutant(
        "links: asking for a new one throws the known ones away",
        f"{_FERMATA}/domain/jobs/attempt.py",
        "state=AttemptState.GENERATING, finished_at=None, link_renewals=self.link_renewals + 1, awaits=numbers",
        "state=AttemptState.GENERATING, audio=None, link_renewals=self.link_renewals + 1, awaits=numbers",
        (
            "tests/unit/use_cases/generation/finish/test_storing_every_song.py::test_a_dead_link_does_not_throw_away_the_other_songs_busy_one",
        ),
    ),
    Mutant(
        "shares: a copy of one song is paid for as another",
        f"{_FERMATA}/use_cases/generation/finish/store_audio.py",
        "if same_as is not None:",
        "if False:",
        (
            "tests/unit/use_cases/generation/finish/test_storing_every_song.py::test_one_file_twice_is_one_song_and_paid_as_one",
        ),
    ),
    Mutant(
        "shares: a missing song is paid for",
        f"{_FERMATA}/domain/jobs/shares.py",
        "return price_credits * min(delivered, ordered) // ordered",
        "return price_credits",
        (
            "tests/unit/domain/jobs/test_shares.py::test_a_share_is_whole_credits_never_too_much_and_less_than_one_too_few",
        ),
    ),
    Mutant(
        "months: what jobs hold is forgotten when a month begins",
        f"{_FERMATA}/adapters/dynamodb/money/wallet_store.py",
        "#committed = #held + :committed",
        "#committed = :committed",
        (f"{_WALLET_CONDITIONS}::test_what_jobs_hold_when_a_month_begins_counts_in_it_beside_its_orders",),
    ),
    Mutant(
        "limits: of two orders that read the same wallet both pass the cap",
        f"{_FERMATA}/adapters/dynamodb/money/wallet_store.py",
        'change.conditions += ["#cap_credits = :cap", f"{committed} <= :limit"]',
        'change.conditions += ["#cap_credits = :cap", f"({committed} <= :limit OR {committed} > :limit)"]',
        (f"{_WALLET_CONDITIONS}::test_of_two_orders_that_read_the_same_wallet_the_second_gets_what_the_first_left",),
    ),
    Mutant(
        "bounds: an answer without end is read without end",
        f"{_FERMATA}/adapters/http/bodies.py",
        "if left < 0:",
        "if left < -1:",
        ("tests/unit/adapters/http/test_answers.py",),
    ),
    Mutant(
        "bounds: an answer of exactly the bound is lost",
        f"{_FERMATA}/adapters/http/bodies.py",
        "if left < 0:",
        "if left <= 0:",
        ("tests/unit/adapters/http/test_answers.py",),
    ),
    Mutant(
        "bounds: a file without end is fetched without end",
        f"{_FERMATA}/adapters/http/audio_links.py",
        'response.headers.get("content-encoding", ""), MAX_AUDIO_BYTES)',
        'response.headers.get("content-encoding", ""), MAX_AUDIO_BYTES + 1)',
        (
            "tests/integration/adapters/http/test_audio_links.py::test_a_file_of_exactly_the_size_bound_is_taken_and_one_byte_more_is_too_much",
        ),
    ),
    Mutant(
        "rescue: two runs fetch the same song",
        f"{_FERMATA}/domain/jobs/rescue_record.py",
        "return self.lease is not None and now < self.lease.until",
        "return False",
        (
            "tests/unit/use_cases/generation/finish/test_rescue_audio.py::test_a_run_beside_one_that_fetches_ends_at_once",
        ),
    ),
    Mutant(
        "lost songs: a deadline is judged by the last songs alone",
        f"{_FERMATA}/domain/orders/deadlines.py",
        "return max(self.learned(model).p80_s, model.estimate.p80_s)",
        "return self.learned(model).p80_s",
        (
            "tests/unit/domain/orders/test_deadlines.py::test_quick_songs_make_no_deadline_shorter_than_the_catalogue_does",
        ),
    ),
    Mutant(
        "lost songs: a deadline is judged by the first model alone",
        f"{_FERMATA}/domain/orders/deadlines.py",
        "max(chain.items(), key=lambda each: each[1])",
        "next(iter(chain.items()))",
        ("tests/unit/domain/orders/test_deadlines.py::test_a_deadline_is_judged_by_every_model_that_the_order_names",),
    ),
    Mutant(
        "lost songs: a fallback is bought however late",
        f"{_FERMATA}/domain/jobs/job.py",
        "return min(self.start_by, finish_by - timedelta(seconds=candidate.p80_s))",
        "return min(self.start_by, finish_by)",
        ("tests/unit/domain/orders/test_deadlines.py::test_a_fallback_is_bought_only_while_its_song_can_be_in_time",),
    ),
    Mutant(
        "lost songs: late songs teach nothing",
        f"{_FERMATA}/domain/jobs/latency.py",
        "if job.status is not JobStatus.SUCCEEDED and not _came_late(job, attempt):",
        "if job.status is not JobStatus.SUCCEEDED:",
        ("tests/unit/domain/jobs/test_latency.py::test_a_song_that_was_ready_and_came_too_late_took_what_it_took",),
    ),
    Mutant(
        "lost songs: an order with a deadline holds no place",
        f"{_FERMATA}/domain/jobs/job.py",
        "return int(self.request.finish_by is not None)",
        "return 0",
        (
            "tests/fakes/tenants/test_limits_contract.py::test_orders_that_may_be_lost_by_their_own_terms_are_open_only_as_far_as_the_limit_goes",
        ),
    ),
    Mutant(
        "lost songs: a waiting order is bought beyond the limit",
        f"{_FERMATA}/use_cases/generation/finish/lost_songs.py",
        "if wallet is None or wallet.may_lose_more(now):",
        "if wallet is None or now:",
        (
            "tests/unit/use_cases/generation/finish/test_lost_songs.py::test_an_order_that_waits_while_the_last_song_is_lost_ends_unpaid",
        ),
    ),
    Mutant(
        "lost songs: the second bill is the operator's whatever the plan says",
        f"{_FERMATA}/domain/jobs/job.py",
        "return self.song_credits + sum(self.candidates[each.candidate].price_credits for each in unknown)",
        "return self.song_credits",
        (
            "tests/unit/use_cases/generation/finish/test_lost_songs.py::test_a_delivered_job_spends_its_song_and_where_the_plan_says_so_the_second_bill",
        ),
    ),
    Mutant(
        "deletion: files before the record",
        f"{_FERMATA}/use_cases/orders/delete_job.py",
        "    erase_files(_tombstone(job_id, tenant_id, ports.jobs, now), ports)",
        "    erase_files(find_job_or_tombstone(job_id, tenant_id, ports.jobs), ports)\n"
        "    _tombstone(job_id, tenant_id, ports.jobs, now)",
        ("tests/unit/use_cases/orders/test_delete_job.py::test_nobody_is_shown_a_job_whose_files_are_gone",),
    ),
    Mutant(
        "deletion: nobody finishes one that died",
        f"{_FERMATA}/use_cases/generation/finish/reap_jobs.py",
        "return _finish_deletion(job, ports) if job.erasing_until is not None else _rescue(job, ports, now)",
        "return _rescue(job, ports, now)",
        (
            "tests/unit/use_cases/orders/test_delete_job.py::test_a_deletion_that_dies_is_finished_by_the_reaper_once_it_has_begun",
        ),
    ),
    Mutant(
        "disk: a full one loses a paid answer",
        f"{_FERMATA}/adapters/s3/answer_store.py",
        "except (DiskFullError, OSError) as error:",
        "except ZeroDivisionError as error:",
        ("tests/unit/use_cases/generation/test_full_disk.py::test_a_paid_answer_is_staged_whole_without_any_room",),
    ),
    Mutant(
        "disk: what a killed run left stays",
        f"{_FERMATA}/scratch.py",
        "fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "return False",
        ("tests/unit/test_scratch.py",),
    ),
    Mutant(
        "references: an upload that changed is handed over",
        f"{_FERMATA}/use_cases/generation/purchase/prepare_reference.py",
        "_write(stored, file, reference.bytes) != reference.sha256",
        "_write(stored, file, reference.bytes) is None",
        (
            "tests/unit/use_cases/generation/purchase/test_prepare_reference.py::test_an_upload_that_changed_after_it_was_measured_ends_the_job_unpaid",
        ),
    ),
    Mutant(
        "turns: a start that a canceled job had reserved is given to nobody else",
        _WAITING_LINE,
        "        if start_ms - free_ms >= limits.gap_ms:",
        "        if start_ms < free_ms - limits.gap_ms:",
        (f"{_WAITING_LINE_TESTS}::test_one_place_that_is_always_renewed_does_not_push_the_line_ahead",),
    ),
    Mutant(
        "turns: starts come closer together than the gap",
        _WAITING_LINE,
        "        free_ms = max(free_ms, start_ms + limits.gap_ms)",
        "        free_ms = max(free_ms, start_ms)",
        (f"{_WAITING_LINE_TESTS}::test_starts_are_reserved_a_gap_apart_in_the_order_of_asking",),
    ),
    Mutant(
        "turns: who is turned away comes back ever later",
        _WAITING_LINE,
        "        back_ms = soonest_ms",
        "        pass",
        (f"{_WAITING_LINE_TESTS}::test_nobody_is_turned_away_for_longer_than_the_last_in_a_full_line_waits",),
    ),
    Mutant(
        "turns: a name that its caller made up counts as a listed model",
        _STARTING,
        "    is_listed = ports.resume.catalogue.lists(ordered.model)",
        "    is_listed = True",
        (f"{_TAKING_TURNS}::test_a_name_that_a_caller_made_up_opens_no_circuit_for_others[suno-zzz]",),
    ),
    Mutant(
        "turns: a made-up name that is paused keeps a place in the line",
        f"{_FERMATA}/domain/providers/state.py",
        " or (obstacle is not None and not is_listed)",
        "",
        (f"{_TAKING_TURNS}::test_a_made_up_name_that_keeps_failing_waits_without_a_place_and_holds_nobody_back",),
    ),
    Mutant(
        "turns: a made-up name tries before listed models",
        _CIRCUIT,
        "self.open_until_ms if is_listed else self.open_until_ms + self.open_for_ms",
        "self.open_until_ms",
        (
            "tests/unit/domain/providers/test_circuit.py::test_a_listed_model_tries_first_and_a_made_up_name_once_nobody_did",
        ),
    ),
    Mutant(
        "turns: a made-up name that fails as the trial doubles the pause",
        _CIRCUIT,
        "self._opened(self.open_for_ms, now_ms, rules)",
        "self._opened(2 * self.open_for_ms, now_ms, rules)",
        (
            "tests/unit/domain/providers/test_circuit.py::test_a_made_up_name_that_fails_as_the_trial_does_not_double_the_pause",
        ),
    ),
    Mutant(
        "turns: words of the order speak of the account",
        f"{_FERMATA}/domain/providers/answers.py",
        "found.group().casefold() not in ordered",
        "found.group()",
        (f"{_TAKING_TURNS}::test_words_that_a_provider_repeats_from_the_order_say_nothing_of_the_account",),
    ),
)


def fate_of(mutant: Mutant, copy: Path) -> str:
    """What became of a mutant: `killed`, or why it was not."""
    file = copy / mutant.file
    whole = file.read_text("utf-8")
    if whole.count(mutant.old) != 1:
        return f"its text is in {mutant.file} {whole.count(mutant.old)} times; write it anew"
    file.write_text(whole.replace(mutant.old, mutant.new), "utf-8")
    try:
        status, _ = run_tests(mutant.tests, copy)
    finally:
        file.write_text(whole, "utf-8")
    return {0: "SURVIVED", 1: "killed"}.get(status, f"its tests could not run: pytest ended with {status}")


def run_tests(tests: Sequence[str], copy: Path) -> tuple[int, str]:
    """Pytest's exit status (0: all passed, 1: one failed; tests that hang have failed) and what it printed."""
    paths = os.pathsep.join(map(str, (copy / "layers" / "fermata", copy)))
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", *_QUICK, *tests]
    try:
        ended = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, check=False, timeout=LONGEST_S, text=True
        )
    except subprocess.TimeoutExpired:
        return 1, f"not within {LONGEST_S} s"
    return ended.returncode, ended.stdout + ended.stderr


class Copies:
    """Scratch copies of the checkout; each is used by one at a time."""

    def __init__(self, folder: Path) -> None:
        self._free: SimpleQueue[Path] = SimpleQueue()
        for number in range(WORKERS):
            self._free.put(_copied_into(folder / str(number)))

    def use(self, work: Callable[[Path], Said]) -> tuple[Said, float]:
        """What `work` says of a copy, and the seconds that it took."""
        copy, since = self._free.get(), time.monotonic()
        try:
            return work(copy), time.monotonic() - since
        finally:
            self._free.put(copy)


def _copied_into(folder: Path) -> Path:
    folder.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


def main() -> int:
    """Prints one line per mutant; 1 where one was not killed."""
    words = sys.argv[1:]
    if words[:1] == ["conditions"]:
        return _without_conditions(words[1:])
    of_table = _of_table(words)
    return of_table or (0 if words else _without_conditions(()))


def _without_conditions(words: Sequence[str]) -> int:
    return subprocess.run([sys.executable, "-m", "tooling.conditions", *words], cwd=ROOT, check=False).returncode


def _of_table(words: Sequence[str]) -> int:
    began, killed = time.monotonic(), 0
    chosen = [mutant for mutant in MUTANTS if all(word in mutant.name for word in words)]
    tests = sorted({test for mutant in chosen for test in mutant.tests})
    with TemporaryDirectory() as scratch, ThreadPoolExecutor(WORKERS) as workers:
        copies = Copies(Path(scratch))
        shares = [tests[number::WORKERS] for number in range(WORKERS)]
        unbroken = workers.map(lambda share: copies.use(partial(run_tests, share)), filter(None, shares))
        for (status, printed), _ in unbroken:
            if status != 0:
                print(printed, "the tests fail, or cannot run, without any mutant", sep="\n")
                return 1
        print(f"{time.monotonic() - began:5.1f} s  all tests pass without a mutant", flush=True)
        fates = workers.map(lambda mutant: copies.use(partial(fate_of, mutant)), chosen)
        for mutant, (fate, took_s) in zip(chosen, fates, strict=True):
            killed += fate == "killed"
            print(f"{took_s:5.1f} s  {fate:8}  {mutant.name}", flush=True)
    print(f"{killed} of {len(chosen)} killed in {time.monotonic() - began:.0f} s")
    return 0 if chosen and killed == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
