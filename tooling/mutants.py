"""Breaks the promises about money on purpose, one at a time, in a scratch copy, and looks whether a test notices.

Run with `make mutants`. Exit status 1 where a mutant survives, or where its text is not in its file exactly once: then
the code has moved on and the table has to follow.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[1]
COPIED: Final = ("functions", "layers", "local", "statemachine", "tests", "tooling", "pyproject.toml", "template.yaml")
LONGEST_S: Final = 120
_QUICK: Final = (
    *("-x", "-q", "--tb=short", "--hypothesis-profile=first failure"),
    *("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:anyio"),
)
"""Arguments of pytest: the first failure is enough, and nothing is needed that would only help to find its cause."""
_FERMATA: Final = "layers/fermata/fermata"
_STARTING: Final = f"{_FERMATA}/use_cases/start_generation.py"
_RESUMING: Final = f"{_FERMATA}/use_cases/resume_generation.py"
_JOB_STORE: Final = f"{_FERMATA}/adapters/dynamo_job_store.py"


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
        ("tests/unit/test_job_store_contract.py",),
    ),
    Mutant(
        "claim condition: a second run claims too",
        _STARTING,
        "if not job.may_claim(ports.clock()):",
        "if not job.may_claim(ports.clock()) and False:",
        ("tests/unit/test_start_generation.py",),
    ),
    Mutant(
        "claim condition: a lost claim counts as one's own",
        _STARTING,
        "attempt.claim_id == claim_id and",
        "attempt.claim_id and",
        ("tests/unit/test_start_generation.py",),
    ),
    Mutant(
        "claim_until: a silent claim is called unknown at once",
        _RESUMING,
        "silent = now >= attempt.claim_until",
        "silent = True",
        ("tests/unit/test_racing_resumes.py",),
    ),
    Mutant(
        "claim_until: a silent claim is never called unknown",
        _RESUMING,
        "silent = now >= attempt.claim_until",
        "silent = False",
        ("tests/unit/test_resume_generation.py",),
    ),
    Mutant(
        "fence: a staged answer is not believed once the claim ran out",
        _RESUMING,
        "if outcome is not None:",
        "if outcome is not None and not silent:",
        ("tests/unit/test_resume_generation.py",),
    ),
    Mutant(
        "fence: an attempt that was written off is posted all the same",
        _STARTING,
        "return job if mine and not job.status.is_terminal else None",
        "return job",
        ("tests/unit/test_start_generation.py",),
    ),
    Mutant(
        "fence: an answer that came too late is forgotten",
        _STARTING,
        "late = current.with_late_answer(number, now)",
        "return current",
        ("tests/unit/test_start_generation.py",),
    ),
    Mutant(
        "settle condition: an end is replaced by another",
        f"{_FERMATA}/domain/settlement.py",
        "if job.status.is_terminal:",
        "if job.status.is_terminal and job.failure is None:",
        ("tests/unit/test_settle_job.py", "tests/unit/test_settlement.py"),
    ),
    Mutant(
        "settle condition: a job ends without its credits",
        _JOB_STORE,
        "_refuse_if_stale(write_with_wallet(writes, settlement_of(job), self._transactions))",
        "_refuse_if_stale(self._transactions.write(writes, self._transactions.deadline()))",
        ("tests/unit/test_money_contract.py",),
    ),
    Mutant(
        "ledger half: the wallet moves without an entry",
        f"{_FERMATA}/adapters/dynamo_wallet_store.py",
        "WALLET: _move(wallet, movement, transactions), **entries}",
        "WALLET: _move(wallet, movement, transactions)}",
        ("tests/unit/test_money_contract.py",),
    ),
    Mutant(
        "ledger half: a delivered job refunds its whole hold",
        f"{_FERMATA}/domain/wallet.py",
        "yield _entry(job, EntryKind.REFUND, job.hold_credits - price, at)",
        "yield _entry(job, EntryKind.REFUND, job.hold_credits, at)",
        ("tests/unit/test_wallet.py",),
    ),
    Mutant(
        "reaper condition: a job is settled when its execution was missed once",
        f"{_FERMATA}/domain/reaping.py",
        'return Settle("Execution.ABSENT") if again <= now else',
        'return Settle("Execution.ABSENT") if again else',
        ("tests/unit/test_reap_jobs.py",),
    ),
    Mutant(
        "reaper condition: a running execution is settled over",
        f"{_FERMATA}/domain/reaping.py",
        "return LookAgain(_until_the_deadline(job, now + timedelta(seconds=patience.idle_s)))",
        'return Settle("Execution.ENDED")',
        ("tests/unit/test_reap_jobs.py",),
    ),
    Mutant(
        "idempotency item: the receipt is not written",
        _JOB_STORE,
        "if receipt is not None:",
        "if receipt is not None and False:",
        ("tests/unit/test_money_contract.py",),
    ),
    Mutant(
        "idempotency item: a key that is taken is taken over",
        _JOB_STORE,
        'free = "attribute_not_exists(pk) OR #ttl <= :now"',
        'free = "attribute_not_exists(pk) OR #ttl <= :now OR #ttl > :now"',
        ("tests/unit/test_money_contract.py",),
    ),
    Mutant(
        "resume posting: whatever it is told, the function may post",
        "functions/start_generation/app.py",
        'if event["may_post"] is True:',
        'if event["may_post"] is not None:',
        ("tests/unit/test_handlers.py",),
    ),
    Mutant(
        "resume posting: the machine's resume may post",
        "statemachine/music_job.asl.json",
        '"may_post": false',
        '"may_post": true',
        ("tests/unit/tooling/test_paid_once.py",),
    ),
    Mutant(
        "resume posting: the machine orders again after an error",
        "statemachine/music_job.asl.json",
        '"ResultPath": "$.start_error", "Next": "ResumeGeneration"',
        '"ResultPath": "$.start_error", "Next": "StartGeneration"',
        ("tests/unit/tooling/test_paid_once.py",),
    ),
    Mutant(
        "staging order: the verdict comes from the wire",
        _STARTING,
        "ports.resume.answers.keep(job.id, attempt.number, answer)",
        "from fermata.use_cases.reading_answers import read_answer\n"
        "            return ports.resume.providers(attempt.dialect).read_start(read_answer(answer))",
        ("tests/unit/test_start_generation.py",),
    ),
    Mutant(
        "status rule: a stopped execution is not told of",
        "template.yaml",
        "status: [FAILED, TIMED_OUT, ABORTED]",
        "status: [FAILED, TIMED_OUT]",
        ("tests/unit/tooling/test_paid_once.py",),
    ),
)


def is_killed(mutant: Mutant, copy: Path) -> str:
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


def run_tests(tests: tuple[str, ...], copy: Path, longest_s: int = LONGEST_S) -> tuple[int, str]:
    """Pytest's exit status (0: all passed, 1: one failed; tests that hang have failed) and what it printed."""
    paths = os.pathsep.join(map(str, (copy / "layers" / "fermata", copy)))
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", *_QUICK, *tests]
    try:
        ended = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, check=False, timeout=longest_s, text=True
        )
    except subprocess.TimeoutExpired:
        return 1, f"not within {longest_s} s"
    return ended.returncode, ended.stdout + ended.stderr


def main() -> int:
    """Prints one line per mutant; 1 where one was not killed."""
    began, failed = time.monotonic(), 0
    with TemporaryDirectory() as scratch:
        copy = Path(scratch)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy / name)
        chosen = [mutant for mutant in MUTANTS if all(word in mutant.name for word in sys.argv[1:])]
        everything = tuple(sorted({test for mutant in chosen for test in mutant.tests}))
        status, printed = run_tests(everything, copy, 10 * LONGEST_S)
        if status != 0:
            print(printed, "the tests fail, or cannot run, without any mutant", sep="\n")
            return 1
        for mutant in chosen:
            since = time.monotonic()
            fate = is_killed(mutant, copy)
            failed += fate != "killed"
            print(f"{time.monotonic() - since:5.1f} s  {fate:8}  {mutant.name}", flush=True)
    print(f"{len(chosen) - failed} of {len(chosen)} killed in {time.monotonic() - began:.0f} s")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
