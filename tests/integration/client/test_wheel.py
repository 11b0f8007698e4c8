"""`make client`: the wheel has the package and nothing else, and works where it is installed alone."""

import zipfile
from pathlib import Path

import pytest

from tooling.client_wheel import WHEEL, build, content_faults, main


def test_the_wheel_is_built_whole_and_works_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0

    printed = capsys.readouterr()
    assert (printed.out, printed.err) == (f"out/client/{WHEEL}\n", "")


def test_a_wheel_that_lacks_something_or_has_too_much_is_found(tmp_path: Path) -> None:
    whole = build(tmp_path)
    broken = tmp_path / "broken.whl"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(broken, "w") as target:
        for name in source.namelist():
            if not name.endswith("py.typed"):
                target.writestr(name, source.read(name))
        target.writestr("tests/secret.py", "")

    assert list(content_faults(whole)) == []
    assert list(content_faults(broken)) == [
        "broken.whl lacks fermata_client/py.typed",
        "broken.whl has tests/secret.py, which is no part of the package",
    ]
