"""What orders by files and events promise."""

from typing import Final

from tooling.mutants.mutant import FERMATA, Mutant

TRIGGERS: Final = (
    Mutant(
        "inbox: versions of a file share a key",
        f"{FERMATA}/domain/triggers/inbox.py",
        "{self.key}\\0{self.version_id}",
        "{self.key}",
        ("tests/unit/use_cases/triggers/test_ingest_file.py",),
    ),
    Mutant(
        "inbox: lines of a file share a key",
        f"{FERMATA}/domain/triggers/inbox.py",
        "{self.run} {line or ''}",
        "{self.run}",
        ("tests/unit/domain/triggers/test_batch.py",),
    ),
    Mutant(
        "inbox: a line is submitted again once its receipt has gone",
        f"{FERMATA}/use_cases/triggers/submit_line.py",
        "for name in ports.inbox.names(line.results_begin):",
        "for name in ():",
        ("tests/unit/domain/triggers/test_batch.py",),
    ),
    Mutant(
        "inbox: a run of refusals goes on to its last line",
        f"{FERMATA}/use_cases/triggers/submit_line.py",
        "if row.ends_the_run(now):",
        "if False:",
        (
            "tests/unit/domain/triggers/test_batch.py::test_a_run_of_nothing_but_refusals_ends_and_submits_no_other_line",
        ),
    ),
    Mutant(
        "events: a tenant's events are taken although they are off",
        f"{FERMATA}/use_cases/triggers/ingest_event.py",
        "if not ports.triggers.of_tenant(tenant_id).events:",
        "if False:",
        ("tests/unit/use_cases/triggers/test_ingest_event.py",),
    ),
)
