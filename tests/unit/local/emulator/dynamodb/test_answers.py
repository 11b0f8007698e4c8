"""What makes the emulator's DynamoDB quick changes none of its answers."""

import subprocess
import sys


def answers(mode: str) -> list[str]:
    script = [sys.executable, "-m", "tests.unit.local.emulator.dynamodb.answers", mode]
    ended = subprocess.run(script, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def test_a_quick_table_answers_every_call_as_moto_does() -> None:
    plain, quick = answers("plain"), answers("quick")
    assert len(plain) == len(quick) > 400
    assert [pair for pair in zip(plain, quick, strict=True) if pair[0] != pair[1]] == []
