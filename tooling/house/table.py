"""Measures the code below a root, and writes the figures as a Markdown table and as the path of the walk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local.deploy.transform import read_template
from tooling.house import limits
from tooling.house.habits import annotated, documented
from tooling.house.imports import cycles, import_graph, room_graph
from tooling.house.rights import count_statements
from tooling.house.sizes import Size, folder_sizes, function_sizes, module_sizes, over, spread
from tooling.house.sources import SHIPPED, TESTS, Module, read_modules
from tooling.house.walk import DEPLOYED, Walk, walks_of_a_claim

BEGIN: Final = "<!-- house figures -->"
END: Final = "<!-- /house figures -->"
_MOST_NAMED: Final = 8


@dataclass(frozen=True)
class Row:
    """One figure; `limit` is empty for one that has none."""

    figure: str
    found: str
    limit: str = ""


def table(root: Path, walk: Walk, whole: Walk) -> str:
    """The figures of what is deployed or run, and of the tests, as a Markdown table."""
    shipped, tests = read_modules(root, SHIPPED), read_modules(root, TESTS)
    rows = [*_sizes(shipped), *_habits(shipped), *_documents(root), *_connections(shipped, walk, whole), *_tests(tests)]
    lines = ["| Figure | Found | Limit |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {row.figure} | {row.found} | {row.limit} |" for row in rows)])


def walks_of(root: Path) -> tuple[Walk, Walk]:
    """The walk of a claim through what is deployed, and the same with the inside of what judges the purchase; raises
    `NoWalkError` where there is none.
    """
    return walks_of_a_claim(read_modules(root, DEPLOYED))


def path_of(walk: Walk) -> str:
    """The rooms in the order in which they are entered, and every step between rooms; climbs are marked."""
    rooms = [f"{number:>4}  {room}" for number, room in enumerate(walk.rooms, start=1)]
    entered = {walk.rooms[0]}
    steps = []
    for step in walk.steps:
        mark = "climb" if step.is_climb else "" if step.called.module in entered else "enter"
        entered.add(step.called.module)
        steps.append(f"{mark:>5}  {step.caller.name} -> {step.called.name}")
    return "\n".join(["Rooms, in the order of reading:", *rooms, "", "Steps between rooms:", *steps])


def replaced(document: str, written: str) -> str:
    """A document with the table in place of what stands between its two markers; as it is where it has none."""
    before, first, rest = document.partition(BEGIN)
    _, second, after = rest.partition(END)
    if not first or not second:
        return document
    return f"{before}{BEGIN}\n\n{written}\n\n{END}{after}"


def _sizes(modules: list[Module]) -> Iterator[Row]:
    folders = folder_sizes(modules)
    yield Row(
        "modules per folder, maximum",
        f"{folders[0].count if folders else 0}{_named(over(folders, limits.MODULES_PER_FOLDER))}",
        str(limits.MODULES_PER_FOLDER),
    )
    yield _lengths("module", module_sizes(modules), limits.MODULE_LINES)
    yield _lengths("function", function_sizes(modules), limits.FUNCTION_LINES)


def _lengths(what: str, sizes: list[Size], limit: int) -> Row:
    found = spread(sizes)
    figures = f"{found.median:g} / {found.p90} / {found.largest}{_named(over(sizes, limit))}"
    return Row(f"{what} length in lines, median / p90 / maximum", figures, str(limit))


def _named(offenders: Sequence[Size]) -> str:
    if not offenders:
        return ""
    more = f" and {len(offenders) - _MOST_NAMED} more" if len(offenders) > _MOST_NAMED else ""
    named = ", ".join(f"{each.what} {each.count}" for each in offenders[:_MOST_NAMED])
    return f" (over the limit: {named}{more})"


def _habits(modules: list[Module]) -> Iterator[Row]:
    yield Row("public modules, classes and functions with a docstring", str(documented(modules)))
    yield Row("annotated parameters and returns", str(annotated(modules)))


def _documents(root: Path) -> Iterator[Row]:
    template, readme = root / "template.yaml", (root / "README.md").read_bytes()
    statements = count_statements(read_template(template))
    yield Row("policy statements in the template, distinct / all", f"{statements.distinct} / {statements.total}")
    yield Row("lines of the template", str(len(template.read_text("utf-8").splitlines())))
    yield Row("README, bytes / lines", f"{len(readme)} / {len(readme.splitlines())}")


def _connections(modules: list[Module], walk: Walk, whole: Walk) -> Iterator[Row]:
    graph = import_graph(modules)
    circles, among_rooms = cycles(graph), cycles(room_graph(graph))
    yield Row("import cycles among modules", _circles(circles), str(limits.CYCLES))
    yield Row("import cycles among the packages of the domain", _circles(among_rooms), str(limits.CYCLES))
    yield Row("longest walk of a claim, rooms", str(len(walk.rooms)), str(limits.WALK_ROOMS))
    yield Row("longest walk of a claim, climbs", str(len(walk.climbs)), str(limits.WALK_CLIMBS))
    inside = f"{len(whole.rooms)} / {len(whole.climbs)}"
    yield Row("the same with the inside of what may stand in its way, rooms / climbs", inside)


def _circles(found: list[list[str]]) -> str:
    return f"{len(found)}" + "".join(f" ({', '.join(circle)})" for circle in found)


def _tests(modules: list[Module]) -> Iterator[Row]:
    folders, lines, functions = folder_sizes(modules), spread(module_sizes(modules)), spread(function_sizes(modules))
    largest = f"{folders[0].count} ({folders[0].what})" if folders else "0"
    yield Row("tests: modules per folder, maximum", largest, f"{limits.MODULES_PER_FOLDER} in unit and integration")
    yield Row("tests: module length, median / p90 / maximum", f"{lines.median:g} / {lines.p90} / {lines.largest}")
    each = f"{functions.median:g} / {functions.p90} / {functions.largest}"
    yield Row("tests: function length, median / p90 / maximum", each)
