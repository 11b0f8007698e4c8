"""A mutation, and the files that several of them break."""

from typing import Final, NamedTuple

FERMATA: Final = "layers/fermata/fermata"
STARTING: Final = f"{FERMATA}/use_cases/generation/purchase/start_generation.py"
JOB_STORE: Final = f"{FERMATA}/adapters/dynamodb/jobs/job_store.py"


class Mutant(NamedTuple):
    """One mutation of a file, and the tests (pytest's node ids) of which one must fail."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
