"""What keeps a song from being bought twice, and a paid one from being given up."""

from typing import Final

from tooling.mutants.mutant import FERMATA, JOB_STORE, STARTING, Mutant

_RESUMING: Final = f"{FERMATA}/use_cases/generation/finish/resume_generation.py"
_PURCHASE: Final = f"{FERMATA}/use_cases/generation/purchase/purchase.py"
_INTERLEAVINGS: Final = (
    "tests/unit/use_cases/generation/test_every_interleaving.py::"
    "test_no_interleaving_pays_twice_or_leaves_a_job_behind_in_"
)

_CONDITIONS: Final = "tests/fakes/money/test_wallet_conditions_contract.py"
_MONEY: Final = "tests/fakes/money/test_money_contract.py"
_OPERATOR: Final = "tests/unit/use_cases/operator/maintenance"

CLAIMS: Final = (
    Mutant(
        "claim condition: any version may be replaced",
        JOB_STORE,
        'return "#version = :before"',
        'return "attribute_exists(pk) OR #version = :before"',
        ("tests/fakes/jobs/test_job_store_contract.py::test_of_two_writers_that_read_the_same_version_one_wins",),
    ),
    Mutant(
        "claim condition: a second run claims too",
        STARTING,
        "if not job.may_claim(ports.clock()):",
        "if not job.may_claim(ports.clock()) and False:",
        (
            "tests/unit/use_cases/generation/purchase/test_start_generation.py::test_a_run_that_comes_while_another_is_posting_waits",
        ),
    ),
    Mutant(
        "claim condition: a lost claim counts as one's own",
        _PURCHASE,
        "attempt.claim_id == run.claim_id and",
        "attempt.claim_id and",
        (
            "tests/unit/use_cases/generation/purchase/test_purchase.py::test_a_run_whose_claim_came_second_posts_nothing_while_the_first_is_posting",
        ),
    ),
    Mutant(
        "claim_until: a claim ends with its run, without a margin",
        STARTING,
        "seconds=ports.remaining_s() + ports.claim_margin_s",
        "seconds=ports.remaining_s()",
        ("tests/unit/use_cases/generation/purchase/test_purchase.py::test_the_claim_outlives_the_run_by_the_margin",),
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
        "closed as unknown: a staged answer is not believed once the claim ran out",
        f"{FERMATA}/use_cases/generation/finish/resume_generation.py",
        "if outcome is not None:",
        "if outcome is not None and not silent:",
        (
            "tests/unit/use_cases/generation/finish/test_resume_generation.py::test_a_staged_answer_is_believed_even_after_the_claim_ran_out",
        ),
    ),
    Mutant(
        "closed as unknown: an attempt that was written off is posted all the same",
        _PURCHASE,
        "return job if mine and not job.status.is_terminal else None",
        "return job",
        ("tests/unit/use_cases/generation/purchase/test_purchase.py::test_two_racing_runs_claim_once_and_post_once",),
    ),
    Mutant(
        "closed as unknown: an answer that came too late is forgotten",
        f"{FERMATA}/use_cases/generation/purchase/record_outcome.py",
        "return retry_on_stale(mark_late, lambda: ports.jobs.load_existing(intended.id), known=current, reads=2)",
        "return current",
        (
            "tests/unit/use_cases/generation/purchase/test_record_outcome.py::test_a_first_run_that_was_closed_as_unknown_marks_itself_late_and_changes_nothing_else",
        ),
    ),
    Mutant(
        "resume posting: whatever it is told, the function may post",
        "functions/start_generation/app.py",
        'if event["may_post"] is True:',
        'if event["may_post"] is not None:',
        ("tests/unit/functions/test_handlers.py::test_start_generation_buys_a_song_only_when_its_input_allows_it",),
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
        _PURCHASE,
        "outcome = receive(listen(answer), claimed, ports.receiving, ports.resume.providers, ports.remaining_s)",
        "from fermata.use_cases.generation.follow.parse_answer import read_answer\n"
        "            return ports.resume.providers(ordered.dialect).read_start(read_answer(answer))",
        (
            "tests/unit/use_cases/generation/purchase/test_purchase.py::test_a_blocking_provider_answers_with_a_song_that_is_ready_to_store",
        ),
    ),
    Mutant(
        "status rule: a stopped execution is not told of",
        "template.yaml",
        '"${MusicJobMachine}:" }]\n                status: [FAILED, TIMED_OUT, ABORTED]',
        '"${MusicJobMachine}:" }]\n                status: [FAILED, TIMED_OUT]',
        (
            "tests/unit/tooling/template/test_paid_once.py::test_every_way_in_which_an_execution_can_stop_by_force_leads_to_settle_job",
        ),
    ),
    Mutant(
        "interleavings: a second run claims too",
        STARTING,
        "if not job.may_claim(ports.clock()):",
        "if not job.may_claim(ports.clock()) and False:",
        (f"{_INTERLEAVINGS}memory",),
    ),
    Mutant(
        "interleavings: a job ends without its credits",
        JOB_STORE,
        "failed, _ = write_with_wallet(writes, settlement_of(job), self._transactions)",
        "failed = self._transactions.write(writes, self._transactions.deadline())",
        (f"{_INTERLEAVINGS}dynamodb",),
    ),
    Mutant(
        "reaper condition: a job is settled when its execution was missed once",
        f"{FERMATA}/domain/finish/overdue.py",
        'return Settle("Execution.ABSENT") if again <= now else',
        'return Settle("Execution.ABSENT") if again else',
        (
            "tests/unit/use_cases/generation/finish/test_reap_jobs.py::test_the_action_follows_from_the_record_and_the_execution",
        ),
    ),
    Mutant(
        "reaper condition: a running execution is settled over",
        f"{FERMATA}/domain/finish/overdue.py",
        "return LookAgain(_until_the_deadline(job, now + timedelta(seconds=patience.idle_s)))",
        'return Settle("Execution.ENDED")',
        (
            "tests/unit/use_cases/generation/finish/test_reap_jobs.py::test_the_action_follows_from_the_record_and_the_execution",
        ),
    ),
)
STOPS: Final = (
    Mutant(
        "stops: an order's write looks past a suspension",
        f"{FERMATA}/adapters/dynamodb/money/wallet_changes.py",
        "        change.conditions.append(NOT_SUSPENDED)\n        change.values |= A_TEXT\n",
        "        pass\n",
        (f"{_CONDITIONS}::test_an_order_that_read_the_wallet_before_a_suspension_is_refused_by_the_write",),
    ),
    Mutant(
        "stops: a suspended tenant's songs are not redelivered",
        f"{FERMATA}/domain/money/wallet.py",
        "if movement.buys:\n            self.refuse_if_suspended()",
        "if movement.is_hold:\n            self.refuse_if_suspended()",
        (f"{_MONEY}::test_a_suspended_tenant_orders_nothing_while_its_jobs_end_and_their_songs_are_redelivered",),
    ),
    Mutant(
        "stops: an order does not ask whether orders are taken",
        f"{FERMATA}/adapters/dynamodb/money/wallet_store.py",
        "if is_draining(found.get(drain_key(), {})):",
        "if is_draining({}):",
        (f"{_MONEY}::test_during_maintenance_nobody_orders_while_jobs_end_and_their_songs_are_redelivered",),
    ),
    Mutant(
        "stops: what the operator cancels counts as the tenant's doing",
        f"{FERMATA}/domain/money/losses.py",
        " and not job.canceled_by_operator",
        "",
        (f"{_MONEY}::test_a_job_that_the_operator_cancels_is_refunded_and_not_the_tenants_doing",),
    ),
    Mutant(
        "stops: an order that another run places is canceled on paper",
        f"{FERMATA}/use_cases/operator/maintenance/cancel_all.py",
        'except AlreadyOrderedError:\n        return "followed"',
        'except AlreadyOrderedError:\n        return "canceled"',
        (f"{_OPERATOR}/test_cancel_all.py::test_a_job_that_another_run_writes_first_is_never_canceled_over_it",),
    ),
    Mutant(
        "stops: a page of open jobs begins at its end again",
        f"{FERMATA}/use_cases/operator/maintenance/cancel_all.py",
        "page[LOOKED_AT - 1][1]",
        "page[LOOKED_AT][1]",
        (
            f"{_OPERATOR}/test_cancel_all.py::test_pages_go_through_everything_and_a_command_given_again_goes_on_with_the_rest",
        ),
    ),
)
