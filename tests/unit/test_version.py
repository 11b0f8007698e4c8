"""The version that every request names is the version of the package."""

import tomllib
from pathlib import Path

import fermata
from fermata.adapters.http.transport import USER_AGENT

ROOT = Path(__file__).resolve().parents[2]


def test_the_package_and_its_metadata_name_one_version() -> None:
    declared = tomllib.loads((ROOT / "layers/fermata/pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert fermata.__version__ == declared
    assert f"Fermata/{declared}" == USER_AGENT
