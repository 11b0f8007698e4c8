"""What is deployed may be used freely: nothing in the layer of all functions, and nothing in the one that signs, is
under the GPL or LGPL, and the media layer's decision names the licence of all it carries.
"""

import re
from importlib.metadata import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def packages(layer: str) -> list[str]:
    requirements = (ROOT / "layers" / layer / "requirements.txt").read_text("utf-8")
    return re.findall(r"^([A-Za-z0-9._-]+)==", requirements, re.MULTILINE)


NAMES = packages("fermata")
MEDIA = packages("media")
C2PA = packages("c2pa")


def test_there_are_packages_to_look_at() -> None:
    assert {"httpx", "pydantic"} <= set(NAMES)
    assert C2PA == ["c2pa-python"]


@pytest.mark.parametrize("name", [*NAMES, *C2PA])
def test_no_package_of_the_layer_is_under_a_copyleft_licence(name: str) -> None:
    about = metadata(name)
    licences = [
        *(about.get_all("License-Expression") or []),
        *((text.splitlines() or [""])[0] for text in about.get_all("License") or []),
        *(each for each in about.get_all("Classifier") or [] if each.startswith("License ::")),
    ]
    assert licences
    assert not [each for each in licences if re.search(r"GPL|General Public", each)]


def test_the_decision_about_the_media_layer_names_the_licence_of_every_package() -> None:
    decision = (ROOT / "docs" / "decisions" / "0045-loudness-beside-the-job.md").read_text("utf-8")
    rows = {
        cells[0].strip(" `"): cells for line in decision.splitlines() if len(cells := line.strip("|").split("|")) == 3
    }
    assert MEDIA
    assert {*MEDIA, "libsndfile", "mpg123", "LAME", "OpenBLAS"} <= set(rows)
