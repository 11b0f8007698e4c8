"""Which part of the code may import which."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYER = ROOT / "layers" / "fermata"
PACKAGE = LAYER / "fermata"
HANDLERS = sorted((ROOT / "functions").glob("*/app.py"))
DEPLOYED = [*sorted(PACKAGE.rglob("*.py")), *HANDLERS]
DOMAIN = sorted((PACKAGE / "domain").rglob("*.py"))
API = sorted((PACKAGE / "api").rglob("*.py"))
RESPONSES = [path for path in API if PACKAGE / "api" / "responses" in path.parents]
USE_CASES = sorted((PACKAGE / "use_cases").rglob("*.py"))

ERRORS = ("fermata.errors", "fermata.limit_errors")
FOREIGN_CLIENTS = {"boto3", "botocore", "httpcore", "httpx", "mypy_boto3"}
NETWORK_AND_MACHINE = {"http", "os", "requests", "shutil", "socket", "ssl", "subprocess", "tempfile", "urllib3"}


def _absolute(module: Path, node: ast.ImportFrom) -> str:
    """The name that a relative import stands for."""
    if node.level == 0:
        return node.module or ""
    package = module.relative_to(LAYER).with_suffix("").parts[: -node.level]
    return ".".join([*package, *([node.module] if node.module else [])])


def _imports(module: Path) -> Iterator[str]:
    """Every imported name, nested and type-checking imports included; `from a import b` gives `a` and `a.b`."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = _absolute(module, node)
            yield source
            yield from (f"{source}.{alias.name}" for alias in node.names)


def _roots(module: Path) -> set[str]:
    roots = {name.partition(".")[0] for name in _imports(module)}
    return {"mypy_boto3" if root.startswith("mypy_boto3_") else root for root in roots}


def _imports_from(module: Path, package: str) -> set[str]:
    return {name for name in _imports(module) if name == package or name.startswith(f"{package}.")}


def _label(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_there_is_code_to_look_at() -> None:
    assert DOMAIN
    assert HANDLERS
    assert PACKAGE / "config.py" in DEPLOYED
    assert _imports_from(PACKAGE / "config.py", "os") == {"os"}


@pytest.mark.parametrize("module", DOMAIN, ids=_label)
def test_the_domain_imports_the_standard_library_pydantic_errors_and_itself(module: Path) -> None:
    foreign = _roots(module) - sys.stdlib_module_names - {"annotated_types", "fermata", "pydantic", "pydantic_core"}
    others = {
        name
        for name in _imports_from(module, "fermata")
        if name != "fermata" and not name.startswith(("fermata.domain", *ERRORS))
    }

    assert not foreign
    assert not others
    assert not _roots(module) & NETWORK_AND_MACHINE - {"http"}
    assert _imports_from(module, "http") <= {"http", "http.HTTPStatus"}


@pytest.mark.parametrize("module", RESPONSES, ids=_label)
def test_the_models_of_answers_import_the_domain_and_themselves(module: Path) -> None:
    others = {
        name
        for name in _imports_from(module, "fermata")
        if not name.startswith(("fermata.api.responses", "fermata.domain", *ERRORS))
    }

    assert not _roots(module) - sys.stdlib_module_names - {"fermata", "pydantic"}
    assert not others


@pytest.mark.parametrize("module", API, ids=_label)
def test_the_edge_knows_no_use_case_and_no_port(module: Path) -> None:
    assert not _imports_from(module, "fermata.use_cases")
    assert not _imports_from(module, "fermata.ports")


@pytest.mark.parametrize("module", USE_CASES, ids=_label)
def test_a_use_case_does_not_know_how_its_answer_is_written(module: Path) -> None:
    # The operator's function answers in JSON itself, and shows an account as its tenant sees it.
    by_the_operator = {"fermata.api.responses.account", "fermata.api.responses.account.Account"}
    known = by_the_operator if module.name in {"manage_tenants.py", "look.py"} else set()

    assert _imports_from(module, "fermata.api") <= known


@pytest.mark.parametrize("module", [path for path in DEPLOYED if PACKAGE / "adapters" not in path.parents], ids=_label)
def test_only_adapters_import_boto3_and_httpx(module: Path) -> None:
    assert not _roots(module) & FOREIGN_CLIENTS


@pytest.mark.parametrize("module", [path for path in DEPLOYED if PACKAGE / "adapters" not in path.parents], ids=_label)
def test_only_the_wiring_imports_adapters(module: Path) -> None:
    assert module.parent == PACKAGE / "wiring" or not _imports_from(module, "fermata.adapters")


@pytest.mark.parametrize("module", DEPLOYED, ids=_label)
def test_only_the_configuration_imports_os(module: Path) -> None:
    assert module in (PACKAGE / "config.py", PACKAGE / "variables.py") or "os" not in _roots(module)


@pytest.mark.parametrize("module", DEPLOYED, ids=_label)
def test_only_one_module_makes_files_and_so_sweeps_before_it_does(module: Path) -> None:
    assert module == PACKAGE / "scratch.py" or "tempfile" not in _roots(module)


@pytest.mark.parametrize("module", DEPLOYED, ids=_label)
def test_nothing_that_deploys_imports_what_does_not_deploy(module: Path) -> None:
    assert not _roots(module) & {"cli", "functions", "local", "moto", "tests", "tooling"}


@pytest.mark.parametrize("module", [path for path in DEPLOYED if path not in HANDLERS], ids=_label)
def test_the_wiring_is_imported_by_handlers_only(module: Path) -> None:
    assert module.parent == PACKAGE / "wiring" or not _imports_from(module, "fermata.wiring")


@pytest.mark.parametrize("handler", HANDLERS, ids=_label)
def test_a_handler_has_at_most_forty_lines(handler: Path) -> None:
    assert len(handler.read_text("utf-8").splitlines()) <= 40


@pytest.mark.parametrize("handler", HANDLERS, ids=_label)
def test_a_handler_has_no_code_beside_it(handler: Path) -> None:
    beside = {"assets"} if handler.parent.name == "serve_console" else set()
    assert {path.name for path in handler.parent.iterdir() if path.name != "__pycache__"} == {"app.py", *beside}
    assert not list(handler.parent.glob("assets/**/*.py"))
