"""What belongs to a provider beside its module, and what of it is missing.

A dialect is a module below an `adapters/providers` folder that has a `PROVIDER`. Everything else is found by the
dialect's name, wherever below its folder it lies.
"""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

_DIALECT: Final = "PROVIDER"
_MEANINGS: Final = "MEANINGS"
_PROVIDERS: Final = "adapters/providers"


def missing(root: Path) -> list[str]:
    """A sentence for each thing that a provider below this root lacks; empty where every one is complete."""
    dialects = {path.stem: path for path in sorted(root.glob(f"layers/*/*/{_PROVIDERS}/**/*.py")) if _is_dialect(path)}
    if not dialects:
        return [f"No provider's module was found: expected a module with a {_DIALECT} below {_PROVIDERS}/."]
    return [sentence for name, path in dialects.items() for sentence in _missing_of(name, path, root)]


def _missing_of(name: str, module: Path, root: Path) -> Iterator[str]:
    shown = module.relative_to(root).as_posix()
    package = next(parent for parent in module.parents if parent.as_posix().endswith(_PROVIDERS))
    layer = package.parents[1]
    if not _is_registered(module, package):
        yield f"{shown} is not registered: add '{name}' to the dialects in {_shown(package, root)}/__init__.py."
    if name not in _ordered_dialects(layer):
        yield f"{shown} has no catalogue entry: add a model of '{name}' to {_shown(layer, root)}/catalogue.json."
    for provider in sorted(_without_settings(name, layer)):
        yield (
            f"{shown} has no settings of '{provider}': add its base_url, rpm, concurrency and daily_budget_usd to the "
            f"providers of {_shown(layer, root)}/catalogue.json."
        )
    if not _is_simulated(name, root):
        yield f"{shown} has no simulator: add local/simulators/providers/{name}.py, and serve it from there."
    yield from _missing_fixtures(name, shown, root)
    if not _has_contract_test(name, root):
        yield (
            f"{shown} has no contract test: add test_{name}.py below tests/unit, which tests what the module sends and "
            "reads."
        )


def _missing_fixtures(name: str, shown: str, root: Path) -> Iterator[str]:
    if not any(path.parent.name == name for path in root.glob("tests/fixtures/**/*.http")):
        yield f"{shown} has no recorded answers: add tests/fixtures/{name}/*.http."
    if not list(root.glob(f"tests/fixtures/**/meanings/{name}.py")):
        yield f"{shown} has no meanings of its recorded answers: add tests/fixtures/meanings/{name}.py."
    elif not any(_uses_meanings(path, name) for path in root.glob("tests/unit/**/test_*.py")):
        yield (
            f"{shown} has recorded answers that no test reads: add {name}.{_MEANINGS} to the dialects of "
            "test_kept_answers.py below tests/unit."
        )


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def _is_dialect(path: Path) -> bool:
    for node in _tree(path).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == _DIALECT for target in targets):
            return True
    return False


def _is_registered(module: Path, package: Path) -> bool:
    dotted = ".".join(module.relative_to(package.parents[1]).with_suffix("").parts)
    texts = (node.value for node in ast.walk(_tree(package / "__init__.py")) if isinstance(node, ast.Constant))
    return any(isinstance(text, str) and f".{text}".endswith(f".{dotted}") for text in texts)


def _ordered_dialects(layer: Path) -> set[str]:
    """The dialects that the catalogue's models are ordered in: a model's own, else the one named as its provider."""
    return {_dialect(model) for model in _catalogue(layer)["models"]}


def _without_settings(name: str, layer: Path) -> set[str]:
    """The providers of the dialect's models of which the catalogue has no settings."""
    catalogue = _catalogue(layer)
    ordered = {model["provider"] for model in catalogue["models"] if _dialect(model) == name}
    return ordered - set(catalogue["providers"])


def _catalogue(layer: Path) -> dict[str, Any]:
    path = layer / "catalogue.json"
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {"providers": {}, "models": []}
    return found


def _dialect(model: Mapping[str, str]) -> str:
    return model.get("dialect") or model["provider"]


def _is_simulated(name: str, root: Path) -> bool:
    """Whether there is a simulator of this name, which another module of the simulators imports and so serves."""
    modules = list(root.glob("local/simulators/**/*.py"))
    others = [path for path in modules if path.stem != name]
    return len(others) < len(modules) and any(_imports_module(path, name) for path in others)


def _has_contract_test(name: str, root: Path) -> bool:
    # The tests of the simulator have the same name, and import nothing of the adapters.
    tests = root.glob(f"tests/unit/**/test_{name}.py")
    return any(_PROVIDERS.replace("/", ".") in imported for path in tests for imported in _imported(path))


def _imports_module(path: Path, name: str) -> bool:
    return any(imported.rpartition(".")[2] == name for imported in _imported(path))


def _imported(path: Path) -> Iterator[str]:
    """The names of the modules that a module imports from, and with them what it takes, as it may be a module, too."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            yield source
            yield from (f"{source}.{alias.name}" for alias in node.names)


def _uses_meanings(path: Path, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\.{_MEANINGS}\b", path.read_text("utf-8")) is not None
