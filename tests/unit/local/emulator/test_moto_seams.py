"""What is replaced in the emulator is checked first."""

import importlib.metadata
import subprocess
import sys
from dataclasses import replace

import pytest

from local.emulator import moto_seams
from local.emulator.moto_seams import SEAMS, WAIT, Seam, check_seams
from local.errors import SeamMismatchError


def test_the_installed_emulator_is_the_one_that_is_expected() -> None:
    # In a process of its own, because other tests have put something into the seams of this one.
    check = "from local.emulator.moto_seams import check_seams; check_seams()"
    subprocess.run([sys.executable, "-c", check], check=True)


def test_every_seam_has_a_reason() -> None:
    assert all(len(seam.reason.split()) > 4 for seam in SEAMS)


@pytest.mark.parametrize(
    ("seam", "found"),
    [
        (replace(WAIT, name="WaitFunction._gone"), "found nothing"),
        (replace(WAIT, module="moto.no_such_module"), "found nothing"),
        (
            replace(WAIT, parameters=("self", "env")),
            r"expected the parameters \(self, env\), found \(self, env, wait_seconds\)",
        ),
        (Seam("moto.core.config", "default_user_config", ("self",), "a reason"), "expected a function, found dict"),
    ],
)
def test_a_seam_that_looks_different_is_named(seam: Seam, found: str) -> None:
    with pytest.raises(SeamMismatchError, match=found) as refusal:
        check_seams([seam])
    assert f"{seam.module}:{seam.name}" in str(refusal.value)
    assert refusal.value.exit_code == 5


def test_every_different_seam_is_named_at_once() -> None:
    gone = [replace(seam, name=f"{seam.name}_gone") for seam in SEAMS]
    with pytest.raises(SeamMismatchError) as refusal:
        check_seams(gone)
    assert str(refusal.value).count("found nothing") == len(SEAMS)


def test_another_version_of_the_emulator_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moto_seams, "MOTO_VERSION", "0.0.1")
    found = importlib.metadata.version("moto")
    with pytest.raises(SeamMismatchError, match=rf"expected version 0\.0\.1, found {found}"):
        check_seams()
