"""What is deployed with the functions may be used freely: nothing in the layer is under the GPL or LGPL."""

import re
from importlib.metadata import metadata
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).parents[2] / "layers" / "fermata" / "requirements.txt"
NAMES = re.findall(r"^([A-Za-z0-9._-]+)==", REQUIREMENTS.read_text("utf-8"), re.MULTILINE)


def test_there_are_packages_to_look_at() -> None:
    assert {"httpx", "pydantic"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_no_package_of_the_layer_is_under_a_copyleft_licence(name: str) -> None:
    about = metadata(name)
    licences = [
        *(about.get_all("License-Expression") or []),
        *((text.splitlines() or [""])[0] for text in about.get_all("License") or []),
        *(each for each in about.get_all("Classifier") or [] if each.startswith("License ::")),
    ]
    assert licences
    assert not [each for each in licences if re.search(r"GPL|General Public", each)]
