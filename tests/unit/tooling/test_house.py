"""The limits of the house hold, and its figures count what they say."""

from pathlib import Path
from textwrap import dedent

import pytest

from tooling.house import limits
from tooling.house.habits import annotated, documented
from tooling.house.imports import Graph, cycles, import_graph, room_graph
from tooling.house.rights import count_statements
from tooling.house.sizes import Size, folder_sizes, function_sizes, module_sizes, over, spread, within
from tooling.house.sources import SHIPPED, TESTS, Module, read_modules
from tooling.house.table import BEGIN, END, path_of, replaced, walks_of
from tooling.house.walk import NoWalkError, Walk


def _said(sizes: list[Size]) -> list[str]:
    return [f"{size.what} has {size.count}" for size in sizes]


@pytest.fixture(scope="module")
def shipped(root: Path) -> list[Module]:
    return read_modules(root, SHIPPED)


@pytest.fixture(scope="module")
def modules_of_tests(root: Path) -> list[Module]:
    return read_modules(root, TESTS)


@pytest.fixture(scope="module")
def shipped_imports(shipped: list[Module]) -> Graph:
    return import_graph(shipped)


@pytest.fixture(scope="module")
def claim(root: Path) -> Walk:
    return walks_of(root)[0]


# ---- the limits


@pytest.mark.check
def test_no_folder_of_shipped_code_holds_too_many_modules(shipped: list[Module]) -> None:
    assert not _said(over(folder_sizes(shipped), limits.MODULES_PER_FOLDER))


@pytest.mark.check
@pytest.mark.parametrize("folder", ["tests/unit", "tests/fakes", "tests/integration"])
def test_no_folder_of_tests_holds_too_many_modules(modules_of_tests: list[Module], folder: str) -> None:
    folders = within(folder_sizes(modules_of_tests), folder)

    assert folders
    assert not _said(over(folders, limits.MODULES_PER_FOLDER))


@pytest.mark.check
def test_no_shipped_module_is_too_long(shipped: list[Module]) -> None:
    assert not _said(over(module_sizes(shipped), limits.MODULE_LINES))


@pytest.mark.check
def test_no_shipped_function_is_too_long(shipped: list[Module]) -> None:
    assert not _said(over(function_sizes(shipped), limits.FUNCTION_LINES))


@pytest.mark.check
def test_no_shipped_modules_import_each_other_in_a_circle(shipped_imports: Graph) -> None:
    assert len(shipped_imports) > 300
    assert len(cycles(shipped_imports)) <= limits.CYCLES, cycles(shipped_imports)


@pytest.mark.check
def test_no_packages_of_the_domain_import_each_other_in_a_circle(shipped_imports: Graph) -> None:
    rooms = room_graph(shipped_imports)

    assert rooms
    assert len(cycles(rooms)) <= limits.CYCLES, cycles(rooms)


@pytest.mark.check
def test_a_reader_follows_a_claim_through_few_rooms(claim: Walk) -> None:
    assert len(claim.rooms) <= limits.WALK_ROOMS, f"{len(claim.rooms)} rooms\n{path_of(claim)}"


@pytest.mark.check
def test_a_reader_of_a_claim_seldom_climbs_back(claim: Walk) -> None:
    assert len(claim.climbs) <= limits.WALK_CLIMBS, f"{len(claim.climbs)} climbs\n{path_of(claim)}"


# ---- the walk of a claim, on a made-up backend


HANDLER = """
    from shop.use_cases.buy import BuyPorts, buy
    from shop.wiring import buy_ports

    def lambda_handler(event, context):
        return buy(event["id"], buy_ports())
    """
PORTS = """
    from typing import Protocol

    class Upstream(Protocol):
        def send(self, body: str) -> int: ...

    class Keys(Protocol):
        def current(self) -> str: ...
    """
HTTP = """
    import httpx

    class HttpUpstream:
        def send(self, body: str) -> int:
            with httpx.Client() as client:
                return client.post("/songs", content=body).status_code
    """
SECRETS = """
    from shop.domain.money import price

    class SecretKeys:
        def current(self) -> str:
            return str(price(1))
    """
WIRING = """
    from shop.adapters.http import HttpUpstream
    from shop.adapters.secrets import SecretKeys
    from shop.ports import Keys, Upstream
    from shop.use_cases.buy import BuyPorts

    def _upstream() -> Upstream:
        return HttpUpstream()

    def buy_ports() -> BuyPorts:
        return BuyPorts(upstream=_upstream(), keys=SecretKeys())
    """
BUY = """
    from dataclasses import dataclass

    from shop.domain.money import price
    from shop.domain.refusal import refusal
    from shop.ports import Keys, Upstream
    from shop.use_cases.queue import wait_in

    @dataclass(frozen=True)
    class BuyPorts:
        upstream: Upstream
        keys: Keys

    def buy(job_id: str, ports: BuyPorts) -> int:
        if not job_id:
            return refusal(job_id)
        key = ports.keys.current()
        wait_in(key)
        return _order(job_id, ports)

    def _order(job_id: str, ports: BuyPorts) -> int:
        return ports.upstream.send(job_id)
    """
QUEUE = """
    from shop.domain.money import price

    def wait_in(key: str) -> int:
        return price(len(key))
    """
BACKEND = {
    "functions/start_generation/app.py": HANDLER,
    "layers/shop/shop/ports.py": PORTS,
    "layers/shop/shop/adapters/http.py": HTTP,
    "layers/shop/shop/adapters/secrets.py": SECRETS,
    "layers/shop/shop/wiring.py": WIRING,
    "layers/shop/shop/use_cases/buy.py": BUY,
    "layers/shop/shop/use_cases/queue.py": QUEUE,
    "layers/shop/shop/domain/money.py": "def price(n: int) -> int:\n    return n\n",
    "layers/shop/shop/domain/refusal.py": "def refusal(job_id: str) -> int:\n    return 0\n",
}


def _write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    return root


def _walk(root: Path, **changed: str) -> tuple[list[str], list[tuple[str, str]]]:
    """The rooms of the made-up backend by their last names, and its climbs, with some of its use cases changed."""
    files = {**BACKEND, **{f"layers/shop/shop/use_cases/{name}.py": text for name, text in changed.items()}}
    walk = walks_of(_write(root, files))[0]
    climbs = [(step.caller.module, step.called.module) for step in walk.climbs]
    return [_last(room) for room in walk.rooms], [(_last(caller), _last(called)) for caller, called in climbs]


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def test_a_walk_goes_from_the_handler_through_what_is_called_to_the_post(tmp_path: Path) -> None:
    rooms, climbs = _walk(tmp_path)

    assert rooms == ["app", "buy", "queue", "money", "http"]
    assert not climbs


def test_what_judges_a_purchase_is_a_room_whose_inside_only_the_whole_walk_enters(tmp_path: Path) -> None:
    judged = BUY.replace("if not job_id:", "if before_purchase(job_id):").replace("return refusal(job_id)", "return 0")
    known = "    from shop.use_cases.before_purchase import before_purchase"
    buy = judged.replace("    from shop.domain.refusal import refusal", known)
    judge = "from shop.domain.refusal import refusal\n\ndef before_purchase(job_id: str) -> int:\n"
    judge += "    return refusal(job_id)\n"
    rooms = _walk(tmp_path, buy=buy, before_purchase=judge)[0]
    whole = [_last(room) for room in walks_of(tmp_path)[1].rooms]

    assert "before_purchase" in rooms
    assert "refusal" not in rooms
    assert {"before_purchase", "refusal"} <= set(whole)


def test_a_walk_does_not_enter_what_comes_after_the_post(tmp_path: Path) -> None:
    later = BUY.replace(
        "return ports.upstream.send(job_id)", "ports.upstream.send(job_id)\n        return refusal(job_id)"
    )

    assert "refusal" not in _walk(tmp_path, buy=later)[0]


def test_a_branch_from_which_control_still_gets_to_the_post_is_on_the_walk(tmp_path: Path) -> None:
    falls_through = BUY.replace("return refusal(job_id)", "refusal(job_id)")

    assert "refusal" in _walk(tmp_path, buy=falls_through)[0]


def test_the_condition_of_a_branch_that_buys_nothing_is_on_the_walk(tmp_path: Path) -> None:
    judged = BUY.replace("if not job_id:", "if refusal(job_id):").replace("return refusal(job_id)", "return 0")

    assert "refusal" in _walk(tmp_path, buy=judged)[0]


def test_a_call_of_what_was_read_before_is_a_climb(tmp_path: Path) -> None:
    early = BUY.replace("wait_in(key)", "price(2)\n        wait_in(key)")

    assert _walk(tmp_path, buy=early) == (["app", "buy", "money", "queue", "http"], [("queue", "money")])


@pytest.mark.parametrize("passed", ["lambda: price(3)", "lease"])
def test_a_callback_into_the_room_of_its_caller_is_a_climb_whatever_its_shape(tmp_path: Path, passed: str) -> None:
    queue = """
        from collections.abc import Callable

        def wait_in(key: str, until: Callable[[], int]) -> int:
            return until()
        """
    called_back = (
        BUY.replace("wait_in(key)", f"wait_in(key, {passed})") + "\n    def lease() -> int:\n        return 3\n"
    )

    assert ("queue", "buy") in _walk(tmp_path, buy=called_back, queue=queue)[1]


def test_a_function_that_foreign_code_calls_back_is_on_the_walk(tmp_path: Path) -> None:
    queue = """
        from shop.domain.refusal import refusal

        def wait_in(key: str) -> list[str]:
            return sorted([key], key=refusal)
        """

    assert "refusal" in _walk(tmp_path, queue=queue)[0]


def _reading_a_place(number: str, **rooms: str) -> dict[str, str]:
    """A queue that reads the property `number` of a place in a room of its own, which says how it is worked out."""
    queue = """
        from shop.use_cases.place import Place

        def wait_in(key: str) -> int:
            place = Place()
            return place.number
        """
    place = f"""
        from shop.domain.refusal import refusal
        from shop.use_cases.desk import Desk

        class Place:
            @property
            def number(self) -> int:
                return {number}

            def _further(self) -> int:
                return refusal("")

            def _near(self) -> int:
                return 1
        """
    desk = """
        from shop.domain.refusal import refusal

        class Desk:
            @property
            def size(self) -> int:
                return 4

            @property
            def refusals(self) -> int:
                return refusal("")
        """
    return {"queue": queue, "place": place, "desk": desk, **rooms}


@pytest.mark.parametrize("number", ["1", "self._near()", "Desk().size", "self._near() + self.number"])
def test_reading_a_property_that_calls_nothing_of_another_room_is_reading_data(tmp_path: Path, number: str) -> None:
    rooms, climbs = _walk(tmp_path, **_reading_a_place(number))

    assert rooms == ["app", "buy", "queue", "http"]
    assert not climbs


@pytest.mark.parametrize(
    ("number", "entered"),
    [
        ('refusal("")', ["place", "refusal"]),
        ("self._further()", ["place", "refusal"]),
        ("Desk().refusals", ["place", "desk", "refusal"]),
        ("(lambda: self._further())()", ["place", "refusal"]),
    ],
    ids=["itself", "by a method of its room", "by a property of another room", "by a lambda"],
)
def test_reading_a_property_that_leads_into_other_rooms_is_a_call(
    tmp_path: Path, number: str, entered: list[str]
) -> None:
    assert _walk(tmp_path, **_reading_a_place(number))[0] == ["app", "buy", "queue", *entered, "http"]


def test_a_property_that_leads_back_into_the_room_of_its_reader_is_a_climb(tmp_path: Path) -> None:
    reading = _reading_a_place("keep(1)")
    reading["queue"] += "\n        def keep(number: int) -> int:\n            return number\n"
    reading["place"] = reading["place"].replace(
        "from shop.use_cases.desk", "from shop.use_cases.queue import keep\n        from shop.use_cases.desk"
    )

    assert ("place", "queue") in _walk(tmp_path, **reading)[1]


def test_a_property_that_sends_the_request_is_on_the_walk(tmp_path: Path) -> None:
    http = """
        import httpx

        class HttpUpstream:
            def send(self, body: str) -> int:
                return self.status

            @property
            def status(self) -> int:
                return httpx.Client().post("/songs").status_code
        """
    files = {**BACKEND, "layers/shop/shop/adapters/http.py": http}

    assert _last(walks_of(_write(tmp_path, files))[0].rooms[-1]) == "http"


def test_calling_an_object_enters_its_room(tmp_path: Path) -> None:
    queue = """
        from shop.use_cases.place import Place

        def wait_in(key: str) -> int:
            return Place()(key)
        """
    place = """
        class Place:
            def __call__(self, key: str) -> int:
                return 1
        """

    assert "place" in _walk(tmp_path, queue=queue, place=place)[0]


def test_a_tree_without_a_way_to_a_post_has_no_walk(tmp_path: Path) -> None:
    with pytest.raises(NoWalkError, match=r"expected a way from .* to a POST"):
        _walk(tmp_path, buy=BUY.replace("ports.upstream.send(job_id)", "0"))
    with pytest.raises(NoWalkError, match="found none"):
        walks_of(tmp_path / "nothing")


def test_the_printed_path_marks_where_a_reader_enters_and_climbs(tmp_path: Path) -> None:
    early = {"layers/shop/shop/use_cases/buy.py": BUY.replace("wait_in(key)", "price(2)\n        wait_in(key)")}
    printed = path_of(walks_of(_write(tmp_path, {**BACKEND, **early}))[0]).splitlines()

    assert "   1  functions.start_generation.app" in printed
    assert "enter  shop.use_cases.buy.buy -> shop.domain.money.price" in printed
    assert "climb  shop.use_cases.queue.wait_in -> shop.domain.money.price" in printed


# ---- what imports what


def test_a_circle_of_imports_is_found_wherever_the_imports_stand(tmp_path: Path) -> None:
    _write(
        tmp_path,
        {
            "local/__init__.py": "",
            "local/a.py": "from local.b import y\nx = 1\n",
            "local/b.py": "def y():\n    from . import c\n",
            "local/c.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import local.a\n",
            "local/d.py": "from local import a\n",
        },
    )

    assert cycles(import_graph(read_modules(tmp_path, ["local"]))) == [["local.a", "local.b", "local.c"]]


def test_a_circle_of_packages_is_found_where_no_modules_go_in_a_circle(tmp_path: Path) -> None:
    _write(
        tmp_path,
        {
            "layers/shop/shop/domain/jobs/job.py": "from shop.domain.money.wallet import Wallet\n",
            "layers/shop/shop/domain/money/wallet.py": "class Wallet: ...\n",
            "layers/shop/shop/domain/money/refunds.py": "from shop.domain.jobs.status import DONE\n",
            "layers/shop/shop/domain/jobs/status.py": "DONE = 1\n",
            "layers/shop/shop/domain/web/url.py": "from shop.domain.jobs.status import DONE\n",
        },
    )
    graph = import_graph(read_modules(tmp_path, ["layers"]))

    assert not cycles(graph)
    assert cycles(room_graph(graph)) == [["shop.domain.jobs", "shop.domain.money"]]


# ---- sizes and habits


def test_a_long_function_is_found_and_counted_without_its_decorators(tmp_path: Path) -> None:
    body = "".join(f"        x = {number}\n" for number in range(40))
    text = f"class A:\n    @staticmethod\n    def long():\n{body}\n    def short(self): ...\n"
    found = function_sizes(read_modules(_write(tmp_path, {"cli/a.py": text}), SHIPPED))

    assert found == [Size("cli/a.py:A.long", 41), Size("cli/a.py:A.short", 1)]
    assert over(found, 40) == found[:1]


def test_folders_are_counted_without_what_every_package_has(tmp_path: Path) -> None:
    names = ["a.py", "b.py", "__init__.py", "__main__.py", "conftest.py", "node_modules/c.py", ".hidden/d.py"]
    modules = read_modules(_write(tmp_path, {f"local/{name}": "" for name in names}), SHIPPED)

    assert folder_sizes(modules) == [Size("local", 2)]
    assert within(folder_sizes(modules), "local") == [Size("local", 2)]
    assert not within(folder_sizes(modules), "loc")


def test_a_spread_has_the_median_the_nearest_rank_and_the_largest() -> None:
    assert spread([Size("", count) for count in range(1, 12)]) == spread(Size("", count) for count in range(11, 0, -1))
    found = spread([Size("", count) for count in range(1, 11)])

    assert (found.median, found.p90, found.largest) == (5.5, 9, 10)
    assert spread([]).largest == 0


def test_docstrings_are_counted_of_what_is_public(tmp_path: Path) -> None:
    text = '''
        """A module."""
        class A:
            def told(self):
                """Told."""
            def untold(self): ...
            def _private(self): ...
        '''
    share = documented(read_modules(_write(tmp_path, {"cli/a.py": text}), SHIPPED))

    assert str(share) == "50 % (2 of 4)"


def test_an_overload_has_the_docstring_of_its_function(tmp_path: Path) -> None:
    text = '''
        """Moments."""
        @overload
        def written(moment: int) -> str: ...
        @overload
        def written(moment: None) -> None: ...
        def written(moment):
            """A moment as text."""
        '''
    share = documented(read_modules(_write(tmp_path, {"cli/a.py": text}), SHIPPED))

    assert str(share) == "100 % (2 of 2)"


def test_annotations_are_counted_of_parameters_and_returns(tmp_path: Path) -> None:
    text = """
        class A:
            def method(self, a: int, *rest, b=1) -> None: ...
            @staticmethod
            def alone(a): ...
        """
    share = annotated(read_modules(_write(tmp_path, {"cli/a.py": text}), SHIPPED))

    # Of the method: a and the return of four. Of the other, neither its parameter nor its return.
    assert (share.having, share.total) == (2, 6)


# ---- the template and the document


def test_statements_that_say_the_same_in_another_order_are_not_distinct() -> None:
    def policy(*actions: str) -> dict[str, object]:
        return {"Effect": "Allow", "Action": list(actions), "Resource": "*"}

    found = count_statements(
        {
            "Resources": {
                "One": {
                    "Type": "AWS::Serverless::Function",
                    "Properties": {"Policies": [{"Statement": [policy("a", "b")]}, {"Ref": "Shared"}, "Managed"]},
                },
                "Other": {
                    "Type": "AWS::Serverless::Function",
                    "Properties": {
                        "Policies": [
                            {"Statement": {"Sid": "X", **policy("b", "a")}},
                            {"S3ReadPolicy": {"BucketName": "b"}},
                        ]
                    },
                },
                "Shared": {
                    "Type": "AWS::IAM::ManagedPolicy",
                    "Properties": {"PolicyDocument": {"Statement": [policy("c")]}},
                },
                "Table": {"Type": "AWS::DynamoDB::Table"},
            }
        }
    )

    assert (found.distinct, found.total) == (3, 4)


def test_the_table_goes_between_the_markers_and_nowhere_else() -> None:
    document = f"before\n{BEGIN}\nold\n{END}\nafter\n"

    assert replaced(document, "new") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    assert replaced(replaced(document, "newer"), "new") == replaced(document, "new")
    assert replaced("no place", "new") == "no place"
