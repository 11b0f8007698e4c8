"""An operator reconciles a lost answer with the provider's usage export, through the command line."""

from pathlib import Path

from tests.integration.song import Cloud, request

MODEL = "minimax/music-9.5"
"""Nobody else orders it, so that no other song of the same time makes the bill ambiguous."""


def test_a_lost_answer_is_settled_with_the_providers_export_once(cloud: Cloud, tmp_path: Path) -> None:
    job = cloud.made(request("the answer is cut [[fault:cut:20]]", model=MODEL))
    assert (job["error"]["class"], job["error"]["provider_charged"]) == ("unknown_outcome", "unknown")
    (attempt,) = cloud.attempts(job["id"])
    export = tmp_path / "usage.csv"
    export.write_text(f"id,created_at,model,amount\nu-1,{attempt['started_at']},music-9.5,0.03\n", "utf-8")

    code, shown, _ = cloud.admin("reconcile", "minimax", export)
    (found,) = [each for each in shown["attempts"] if each["job_id"] == job["id"]]
    assert (code, shown["applied"], found["provider_charged"], found["line"]) == (0, False, "yes", 2)
    assert cloud.attempts(job["id"]) == [attempt]

    code, applied, _ = cloud.admin("reconcile", "minimax", export, "--apply")
    assert (code, applied["attempts"]) == (0, shown["attempts"])
    assert cloud.attempts(job["id"]) == [{**attempt, "provider_charged": "yes"}]
    assert cloud.job(job["id"]) == job

    code, again, _ = cloud.admin("reconcile", "minimax", export, "--apply")
    assert (code, [each for each in again["attempts"] if each["job_id"] == job["id"]]) == (0, [])


def test_a_broken_export_is_refused_naming_the_line_before_any_call(cloud: Cloud, tmp_path: Path) -> None:
    export = tmp_path / "usage.csv"
    export.write_text("id,amount\nu-1,0.03\nu-2,cheap\n", "utf-8")
    code, answer, said = cloud.admin("reconcile", "minimax", export, "--apply")
    assert (code, answer) == (2, {})
    assert "line 3 cost_usd" in said
    assert "nothing was stored" in said
    assert cloud.admin("reconcile", "minimax", tmp_path / "none.csv").code == 2


def test_an_export_with_a_strangers_row_is_refused_naming_the_line(cloud: Cloud, tmp_path: Path) -> None:
    export = tmp_path / "usage.json"
    export.write_text('[{"id": "nobody-knows-it"}]', "utf-8")
    code, _, said = cloud.admin("reconcile", "minimax", export, "--apply")
    assert code == 2
    assert "line 1 belongs to no order" in said
