"""Log files hold one JSON object a line."""

import json
from pathlib import Path
from threading import Thread

import pytest

from local.logs import JsonLines, as_record


def test_lines_of_several_threads_do_not_mix(tmp_path: Path) -> None:
    log = JsonLines(tmp_path / "new" / "log.jsonl")

    def write(number: int) -> None:
        for _ in range(50):
            log.write({"n": number, "text": "x" * 500})

    threads = [Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    lines = (tmp_path / "new" / "log.jsonl").read_text("utf-8").splitlines()
    assert sorted(json.loads(line)["n"] for line in lines) == sorted(list(range(4)) * 50)


def test_a_record_after_the_end_is_dropped(tmp_path: Path) -> None:
    log = JsonLines(tmp_path / "log.jsonl")
    log.close()
    log.write({"late": True})
    assert (tmp_path / "log.jsonl").read_text("utf-8") == ""


@pytest.mark.parametrize("line", ["plain words", "[1]", '"text"', "12", "{broken"])
def test_what_is_no_object_becomes_a_message(line: str) -> None:
    assert as_record(line)["message"] == line


def test_a_functions_own_object_stays_as_it_is() -> None:
    assert as_record('{"level":"INFO","job_id":"job_1"}') == {"level": "INFO", "job_id": "job_1"}
