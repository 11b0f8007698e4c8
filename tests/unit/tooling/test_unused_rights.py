"""A right that no run uses is reported, unless it stands in the list with its reason."""

import json
from pathlib import Path

import pytest

from tooling import unused_rights
from tooling.unused_rights import LISTED, main, problems

GIVEN = ["R p/Read dynamodb:GetItem", "R p/Write dynamodb:PutItem", "S p/Write dynamodb:PutItem"]


def test_what_is_neither_used_nor_listed_is_reported() -> None:
    assert problems(GIVEN, GIVEN[:1], {"S * dynamodb:PutItem": "why"}) == ([f"never used: {GIVEN[1]}"], [])


def test_an_entry_that_matches_nothing_unused_is_reported() -> None:
    listed = {GIVEN[0]: "why", "* dynamodb:PutItem": "why"}
    assert problems(GIVEN, GIVEN[:1], listed) == ([], [f"listed, but used or gone: {GIVEN[0]}"])


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "recorded.json"
    path.write_text("[]", "utf-8")
    monkeypatch.setattr(unused_rights, "RECORDED", path)
    return path


@pytest.mark.usefixtures("recorded")
def test_uses_of_several_runs_count_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rights = [{"role": "R", "statement": f"p/{number}", "action": "a:B"} for number in range(2)]
    for number, right in enumerate(rights):
        (tmp_path / f"used-rights-{number}.jsonl").write_text(json.dumps(right), "utf-8")
    (tmp_path / "given-rights-0.jsonl").write_text("\n".join(map(json.dumps, rights)), "utf-8")
    main([str(tmp_path)])
    said = capsys.readouterr().out
    assert "2 rights, 2 used" in said
    assert "never used" not in said


def test_what_an_earlier_run_used_is_recorded_and_no_failure(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right = json.dumps({"role": "R", "statement": "p/Read", "action": "a:B"})
    (tmp_path / "given-rights-0.jsonl").write_text(right, "utf-8")
    assert main([str(tmp_path)]) == 1
    recorded.write_text(json.dumps(["gone with the template"]), "utf-8")
    (tmp_path / "used-rights-0.jsonl").write_text(right, "utf-8")
    assert main(["--write", str(tmp_path)]) == 0
    assert json.loads(recorded.read_text("utf-8")) == ["R p/Read a:B"]
    (tmp_path / "used-rights-0.jsonl").unlink()
    assert main([str(tmp_path)]) == 0
    assert "used by an earlier run alone: R p/Read a:B" in capsys.readouterr().out


@pytest.mark.usefixtures("recorded")
def test_a_directory_without_a_run_proves_nothing(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 2


def test_each_listed_right_has_a_reason() -> None:
    listed = json.loads(LISTED.read_text("utf-8"))
    assert listed
    assert all(reason.endswith(".") for reason in listed.values())
