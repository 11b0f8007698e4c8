"""What an operator does with webhooks: set an address, replace a secret, and see each secret once."""

from datetime import timedelta

import pytest

from fermata.errors import InvalidRequestError, NotFoundError
from fermata.use_cases.operator.manage_tenants import manage_tenants
from fermata.wiring.operator import manage_ports
from local.cli import main
from tests.fakes.world import World
from tests.webhooks import URL

PRIVATE = (
    "https://10.0.0.1/",
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://localhost/",
    "https://169.254.169.254/",
)


class Desk:
    """Commands of an operator to a world with one tenant; each has randomness of its own."""

    def __init__(self) -> None:
        self.world, self.commands = World(), 0
        self("create_tenant")

    def __call__(self, action: str, **fields: object) -> dict[str, object]:
        self.commands += 1
        command = {"action": action, "tenant_id": "acme", **fields}
        ports, randomness = manage_ports(), bytes([self.commands]) * 32
        return dict(manage_tenants(command, ports, self.world.clock(), randomness))

    def signing(self, after_s: int = 0) -> tuple[str, ...]:
        return self.world.webhooks.secrets("acme").signing(self.world.clock() + timedelta(seconds=after_s))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_first_address_shows_the_secret_and_no_other_does(desk: Desk) -> None:
    first = desk("set_webhook", url=URL)
    assert (first["url"], (first["secret"],)) == (URL, desk.signing())
    moved = desk("set_webhook", url="https://moved.example.com/")
    assert moved == {"tenant_id": "acme", "url": "https://moved.example.com/"}
    assert desk.signing() == (first["secret"],)


def test_a_webhook_that_is_switched_off_comes_back_with_the_same_secret(desk: Desk) -> None:
    secret = desk("set_webhook", url=URL)["secret"]
    assert desk("set_webhook", url=None) == {"tenant_id": "acme", "url": None}
    found = desk.world.webhooks.find("acme")
    assert found is not None
    assert found.url is None
    assert "secret" not in desk("set_webhook", url=URL)
    assert desk.signing() == (secret,)


def test_switching_off_an_unset_webhook_makes_no_secret(desk: Desk) -> None:
    desk("set_webhook", url=None)
    assert desk.world.webhooks.find("acme") is None


def test_a_replaced_secret_signs_for_another_day(desk: Desk) -> None:
    old = desk("set_webhook", url=URL)["secret"]
    answer = desk("rotate_webhook_secret")
    assert answer["previous_until"] == "2026-11-22T12:00:00.000Z"
    assert desk.signing(86_399) == (answer["secret"], old)
    assert desk.signing(86_400) == (answer["secret"],)


def test_a_leaked_secret_stops_signing_at_once(desk: Desk) -> None:
    desk("set_webhook", url=URL)
    assert desk.signing() != (new := (desk("rotate_webhook_secret", overlap_s=0)["secret"],))
    assert desk.signing() == new


def test_a_tenant_without_an_endpoint_gets_a_secret_for_the_addresses_of_its_jobs(desk: Desk) -> None:
    answer = desk("rotate_webhook_secret")
    assert (answer["previous_until"], (answer["secret"],)) == (None, desk.signing())


@pytest.mark.parametrize(
    "url", ["http://hooks.example.com/", "https://hooks.example.com:8443/", "ftp://x.example/", "", "x", *PRIVATE]
)
def test_an_address_that_is_not_public_https_is_refused_and_nothing_is_stored(desk: Desk, url: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"/url"):
        desk("set_webhook", url=url)
    assert desk.world.webhooks.find("acme") is None


def test_this_machine_may_receive_webhooks_where_the_operator_trusts_it(desk: Desk) -> None:
    assert "secret" in desk("set_webhook", url="http://127.0.0.1:9000/hook")


@pytest.mark.parametrize("overlap_s", [-1, 31 * 86_400, "86400", 1.5])
def test_an_overlap_is_a_number_of_seconds_up_to_a_month(desk: Desk, overlap_s: object) -> None:
    with pytest.raises(InvalidRequestError, match=r"/overlap_s"):
        desk("rotate_webhook_secret", overlap_s=overlap_s)


@pytest.mark.parametrize("command", [{"action": "set_webhook", "url": URL}, {"action": "rotate_webhook_secret"}])
def test_an_unknown_tenant_has_no_webhook(desk: Desk, command: dict[str, object]) -> None:
    with pytest.raises(NotFoundError, match="create it first"):
        desk(**{**command, "tenant_id": "nobody"})  # type: ignore[arg-type]  # the action is among them
    assert desk.world.webhooks.find("nobody") is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["set-webhook", "acme"], "one of the arguments URL --off is required"),
        (["set-webhook", "acme", URL, "--off"], "not allowed with"),
        (["rotate-webhook-secret", "acme", "--overlap", "soon"], "invalid whole_number value"),
    ],
)
def test_a_senseless_command_line_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["admin", *arguments]) == 2
    assert said in capsys.readouterr().err
