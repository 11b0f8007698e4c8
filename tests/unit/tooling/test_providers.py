"""Every provider is complete, and what is missing from one is reported in a sentence."""

import json
from pathlib import Path

import pytest

from tooling.providers import missing

LAYER = "layers/shop/shop"
MODULE = f"{LAYER}/adapters/providers/piper.py"
REGISTER = f"{LAYER}/adapters/providers/__init__.py"
CATALOGUE = f"{LAYER}/catalogue.json"
SIMULATOR = "local/simulators/providers/piper.py"
SERVER = "local/simulators/running.py"
ANSWER = "tests/fixtures/piper/song.http"
MEANINGS = "tests/fixtures/meanings/piper.py"
KEPT = "tests/unit/adapters/providers/test_kept_answers.py"
CONTRACT = "tests/unit/adapters/providers/test_piper.py"

COMPLETE = {
    MODULE: "PROVIDER: Final = Piper()\n",
    f"{LAYER}/adapters/providers/words.py": "WORDS = 1\n",
    REGISTER: '_MODULES = {"piper": "shop.adapters.providers.piper"}\n',
    CATALOGUE: json.dumps({"providers": {"piper": {}}, "models": [{"id": "piper/one", "provider": "piper"}]}),
    SIMULATOR: "",
    SERVER: "from local.simulators.providers.piper import Piper\n",
    ANSWER: "HTTP/1.1 200 OK\n",
    MEANINGS: "MEANINGS = {}\n",
    KEPT: 'from tests.fixtures.meanings import piper\nALL = {"piper": piper.MEANINGS}\n',
    CONTRACT: "from shop.adapters.providers import load_provider\n",
    "tests/unit/local/simulators/test_piper.py": "from local.simulators.providers import piper\n",
}


@pytest.fixture
def complete(tmp_path: Path) -> Path:
    """A tree with one complete provider."""
    for name, text in COMPLETE.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.check
def test_every_provider_has_all_that_belongs_to_it(root: Path) -> None:
    assert not missing(root)


def test_nothing_is_missing_from_a_complete_provider(complete: Path) -> None:
    assert not missing(complete)


@pytest.mark.parametrize(
    ("lost", "sentence"),
    [
        (SIMULATOR, "has no simulator: add local/simulators/providers/piper.py, and serve it from there."),
        (SERVER, "has no simulator: add local/simulators/providers/piper.py, and serve it from there."),
        (CATALOGUE, f"has no catalogue entry: add a model of 'piper' to {LAYER}/catalogue.json."),
        (ANSWER, "has no recorded answers: add tests/fixtures/piper/*.http."),
        (MEANINGS, "has no meanings of its recorded answers: add tests/fixtures/meanings/piper.py."),
        (
            KEPT,
            (
                "has recorded answers that no test reads: add piper.MEANINGS to the dialects of test_kept_answers.py "
                "below tests/unit."
            ),
        ),
        (
            CONTRACT,
            "has no contract test: add test_piper.py below tests/unit, which tests what the module sends and reads.",
        ),
    ],
)
def test_what_is_missing_from_a_provider_is_reported(complete: Path, lost: str, sentence: str) -> None:
    (complete / lost).unlink()

    assert missing(complete) == [f"{MODULE} {sentence}"]


def test_a_dialect_that_is_not_registered_is_reported(complete: Path) -> None:
    (complete / REGISTER).write_text("_MODULES = {}\n", encoding="utf-8")

    assert missing(complete) == [
        f"{MODULE} is not registered: add 'piper' to the dialects in {LAYER}/adapters/providers/__init__.py."
    ]


def test_the_simulators_own_test_is_no_contract_test(complete: Path) -> None:
    (complete / CONTRACT).unlink()

    assert (complete / "tests/unit/local/simulators/test_piper.py").exists()
    assert len(missing(complete)) == 1


def test_a_dialect_in_a_folder_of_its_own_is_found(complete: Path) -> None:
    moved = complete / LAYER / "adapters" / "providers" / "tasks" / "piper.py"
    moved.parent.mkdir()
    (complete / MODULE).rename(moved)

    assert ["not registered" in sentence for sentence in missing(complete)] == [True]
    (complete / REGISTER).write_text('_MODULES = {"piper": "shop.adapters.providers.tasks.piper"}\n', encoding="utf-8")
    assert not missing(complete)


def test_a_dialect_that_shares_a_provider_needs_models_of_its_own(complete: Path) -> None:
    settings: dict[str, object] = {"piper": {}, "other": {}}
    models = [{"provider": "other", "dialect": "piper"}]
    (complete / CATALOGUE).write_text(json.dumps({"providers": settings, "models": models}), encoding="utf-8")
    assert not missing(complete)

    models = [{"provider": "piper", "dialect": "other"}]
    (complete / CATALOGUE).write_text(json.dumps({"providers": settings, "models": models}), encoding="utf-8")
    assert len(missing(complete)) == 1


def test_a_tree_without_providers_is_no_complete_one(tmp_path: Path) -> None:
    assert missing(tmp_path) == [
        "No provider's module was found: expected a module with a PROVIDER below adapters/providers/."
    ]


def test_a_provider_without_settings_is_named(complete: Path) -> None:
    models = [{"id": "band/one", "provider": "band", "dialect": "piper"}]
    (complete / CATALOGUE).write_text(json.dumps({"providers": {"piper": {}}, "models": models}), encoding="utf-8")

    [sentence] = missing(complete)
    assert sentence.startswith(f"{MODULE} has no settings of 'band': add its base_url, rpm, concurrency and ")
    assert sentence.endswith(f" to the providers of {CATALOGUE}.")
