"""Whatever callers, providers, operators and crashes do, in whatever order: nothing is paid twice or left behind."""

from pathlib import Path

import pytest

from tests.scenario.interleavings import Interleavings, InterleavingsInDynamoDB, play


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_no_interleaving_pays_twice_or_leaves_a_job_behind_in_memory(tmp_path: Path) -> None:
    play(Interleavings, 300, tmp_path)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_no_interleaving_pays_twice_or_leaves_a_job_behind_in_dynamodb(tmp_path: Path) -> None:
    play(InterleavingsInDynamoDB, 20, tmp_path)
