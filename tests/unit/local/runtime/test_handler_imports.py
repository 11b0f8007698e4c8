"""Which modules are imported once for all functions."""

from dataclasses import replace
from pathlib import Path

from local.deploy.deployment import FunctionSpec
from local.runtime.handler_imports import first_imports_of, imports_of, outside_imports_of


def function(code_dir: Path, layer_dir: Path) -> FunctionSpec:
    return FunctionSpec("F", "f", "arn:f", "app.lambda_handler", code_dir, (layer_dir,), 1, 128, {})


def tree(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


def test_what_a_handler_imports_and_what_its_layer_imports_late(tmp_path: Path) -> None:
    layer = tree(
        tmp_path / "layer", shop__wiring="def ports():\n    from deep.store import store\n", deep__store="import never"
    )
    code = tree(tmp_path / "code", app="import boto3\nimport beside\nfrom shop.wiring import ports\n", beside="")
    assert imports_of([function(code, layer)]) == ["boto3", "deep.store", "shop.wiring"]


def test_what_modules_beside_the_one_that_a_handler_imports_import_late(tmp_path: Path) -> None:
    layer = tree(
        tmp_path / "layer",
        shop__wiring__orders="from shop.wiring.stores import store\n",
        shop__wiring__stores="from shop.wiring.orders import late\ndef store():\n    from deep.store import store\n",
        deep__store="import never",
    )
    code = tree(tmp_path / "code", app="from shop.wiring.orders import ports\n")
    assert imports_of([function(code, layer)]) == ["deep.store", "shop.wiring.orders", "shop.wiring.stores"]


def test_what_modules_import_late_that_are_taken_from_their_package_by_name(tmp_path: Path) -> None:
    layer = tree(
        tmp_path / "layer",
        shop__wiring__orders="from shop.wiring import stores\n",
        shop__wiring__stores="def store():\n    from deep.store import store\n",
        deep__store="import never",
    )
    code = tree(tmp_path / "code", app="from shop.wiring.orders import ports\n")
    found = imports_of([function(code, layer)])
    assert found == ["deep.store", "shop.wiring", "shop.wiring.orders", "shop.wiring.stores"]


def test_a_handler_that_cannot_be_read_imports_nothing(tmp_path: Path) -> None:
    code = tree(tmp_path / "code", app="import (")
    assert imports_of([function(code, tmp_path), function(tmp_path / "gone", tmp_path)]) == []


def test_the_first_imports_are_those_of_the_handlers_alone(tmp_path: Path) -> None:
    layer = tree(tmp_path / "layer", shop__wiring="def ports():\n    from deep.store import store\n")
    code = tree(tmp_path / "code", app="import boto3\nimport beside\nfrom shop.wiring import ports\n", beside="")
    assert first_imports_of([function(code, layer)]) == ["boto3", "shop.wiring"]


def test_the_first_imports_include_modules_that_a_handler_takes_from_their_package_by_name(tmp_path: Path) -> None:
    layer = tree(tmp_path / "layer", shop__wiring="", shop__late="")
    code = tree(tmp_path / "code", app="from shop import wiring, price\n")
    assert first_imports_of([function(code, layer)]) == ["shop", "shop.wiring"]


def test_what_lies_in_no_layer_nor_in_its_packages_is_outside(tmp_path: Path) -> None:
    layer = tree(tmp_path / "layer", shop__wiring="import packed\nimport boto3\n")
    packages = tree(tmp_path / "packages", packed="")
    code = tree(tmp_path / "code", app="import json\nfrom shop.wiring import ports\n")
    spec = replace(function(code, layer), packages_dirs=(packages,))
    assert imports_of([spec]) == ["boto3", "json", "packed", "shop.wiring"]
    assert outside_imports_of([spec]) == ["boto3", "json"]


def test_imports_are_read_anew_from_a_source_that_was_saved(tmp_path: Path) -> None:
    code = tree(tmp_path / "code", app="import json\n")
    assert imports_of([function(code, tmp_path)]) == ["json"]
    tree(code, app="import json\nimport boto3\n")
    assert imports_of([function(code, tmp_path)]) == ["boto3", "json"]
