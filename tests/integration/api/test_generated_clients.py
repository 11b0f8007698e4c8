"""Clients that popular generators write from the served document: each compiles strictly, as it is, and orders a song.

The commands are those of docs/api.md. What a developer would write who has the generated client and nothing else lies
in `strangers/`; each of these programs prints what it saw as JSON.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.integration.song import Cloud
from tests.support.generators import PACKAGES, PATIENCE_S, PYTHON_TOOLS, class_path, generate, java, run

pytestmark = [pytest.mark.long, pytest.mark.timeout(3 * PATIENCE_S)]

STRANGERS: Final = Path(__file__).with_name("strangers")
TYPESCRIPT: Final = {"openapi-typescript": "openapi_typescript", "@hey-api/openapi-ts": "hey_api", "orval": "orval"}
"""Generators of TypeScript, and the folder that each writes to."""
STRICT: Final = {
    "compilerOptions": {
        "strict": True,
        "noUncheckedIndexedAccess": True,
        "noImplicitOverride": True,
        "noImplicitReturns": True,
        # What the packages themselves declare is not ours to check.
        "skipLibCheck": True,
        "target": "es2023",
        "lib": ["es2023", "dom", "dom.iterable"],
        "module": "nodenext",
        "types": ["node"],
        "outDir": "built",
    },
    "include": ["**/*.ts"],
    "exclude": ["node_modules"],
}
STRICT_PYTHON: Final = """\
[mypy]
strict = true
cache_dir = mypy_cache
# The generator's own template hands `*args: object` on to httpx; what it writes from the document is checked.
[mypy-python_client.client]
disable_error_code = arg-type
"""
STRICT_JAVA: Final = "cast,divzero,empty,fallthrough,finally,overrides,rawtypes,removal,static,try,unchecked,varargs"
"""What every JDK since 17 warns of. Left out is what the generator's own templates do: they use what Jackson
deprecates, and give no version to what can be serialized.
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> Path:
    """A developer's folder, with the document as the cloud serves it."""
    made = tmp_path_factory.mktemp("strangers")
    made.joinpath("openapi.json").write_bytes(httpx.get(f"{cloud.line['api_url']}/openapi.json").content)
    return made


@pytest.fixture(scope="module")
def compiled(folder: Path) -> Path:
    """The three clients in TypeScript and their callers, compiled at once: each run would check the same libraries."""
    (folder / "node_modules").symlink_to(PACKAGES)
    for package in TYPESCRIPT:
        generate(package, folder)
    for program in STRANGERS.glob("*.ts"):
        shutil.copy(program, folder)
    (folder / "tsconfig.json").write_text(json.dumps(STRICT), "utf-8")
    run(folder, str(PACKAGES / ".bin" / "tsc"), "--project", "tsconfig.json")
    return folder / "built"


def assert_a_song_was_ordered(said: str) -> None:
    seen: dict[str, Any] = json.loads(said)
    assert seen.pop("bytes") > 10_000
    assert seen == {
        "status": "succeeded",
        "price": 30,
        "spent": 30,
        "media_type": "audio/mpeg",
        "problem": "urn:fermata:problem:invalid_request",
        "gateway": "Forbidden",
    }


@pytest.mark.parametrize("client", TYPESCRIPT.values())
def test_a_client_in_typescript_compiles_strictly_and_orders_a_song(client: str, compiled: Path, cloud: Cloud) -> None:
    program = compiled / f"order_{client}.js"
    said = run(compiled, "node", str(program), cloud.line["api_url"], cloud.line["api_key"])
    assert_a_song_was_ordered(said)


def test_a_client_in_python_passes_mypy_strictly_and_orders_a_song(folder: Path, cloud: Cloud) -> None:
    printed = generate("openapi-python-client", folder)
    assert "Warning" not in printed
    # Its ending keeps this project's own checks away from a program that needs the client.
    (folder / "order_python.py").write_text((STRANGERS / "order_python.txt").read_text("utf-8"), "utf-8")
    (folder / "mypy.ini").write_text(STRICT_PYTHON, "utf-8")
    interpreter = ("--python-executable", str(PYTHON_TOOLS / "python"))
    run(folder, sys.executable, "-m", "mypy", *interpreter, "python_client", "order_python.py")
    line = cloud.line
    said = run(folder, str(PYTHON_TOOLS / "python"), "-W", "error", "order_python.py", line["api_url"], line["api_key"])
    assert_a_song_was_ordered(said)


def test_a_client_in_java_compiles_without_warnings_and_orders_a_song(folder: Path, cloud: Cloud) -> None:
    generate("openapi-generator-cli", folder)
    sources = [str(source) for source in (folder / "java_client" / "src" / "main").rglob("*.java")]
    strict = (f"-Xlint:{STRICT_JAVA}", "-Werror", "-proc:none")
    built = ("-cp", class_path(), "-d", "java_built")
    run(folder, java("javac"), *strict, *built, str(STRANGERS / "Order.java"), *sources)
    line = cloud.line
    classes = f"java_built:{class_path()}"
    said = run(folder, java("java"), "-cp", classes, "Order", line["api_url"], line["api_key"])
    assert_a_song_was_ordered(said)
