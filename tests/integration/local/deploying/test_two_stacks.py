"""Two stacks of one account and region never hear each other, and nothing of one bears a name of the other."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
from moto.events.models import EventPattern

from fermata.adapters.events import EventBridgeJobEvents
from fermata.adapters.metrics import EmfMetrics
from fermata.domain.catalogue.operator_settings import NOTHING_SET
from fermata.domain.finish.events import end_of
from fermata.domain.money.usage import usage_event
from local.deploy.deployment import Deployment
from local.deploy.resources.resource_type import Clients
from tests.integration.local.deployer import Deployer
from tests.songs import delivered_job

STACKS: Final = ("one", "two")
Deployments = Mapping[str, Deployment]
Event = dict[str, Any]


@pytest.fixture(scope="module")
def deployments(deployer: Deployer) -> Deployments:
    return {stack: deployer.deploy(stack) for stack in STACKS}


def stack_name_of(deployment: Deployment) -> str:
    """The name that all functions of a stack were given for their metrics and events."""
    (name,) = {function.environment["STACK_NAME"] for function in deployment.functions.values()}
    return name


class KeepsEntries:
    """The publishing part of EventBridge's client: keeps what it is given."""

    def __init__(self) -> None:
        self.entries: list[dict[str, str]] = []

    def put_events(self, *, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 (boto3's name)
        self.entries.extend(Entries)
        return {"FailedEntryCount": 0, "Entries": []}


def events_of(deployment: Deployment) -> Iterator[Event]:
    """What the stack's functions, machines and buckets put on the default bus."""
    bus: Any = KeepsEntries()
    job = delivered_job()
    EventBridgeJobEvents(bus, stack_name_of(deployment)).publish(end_of(job), usage_event(job))
    for entry in bus.entries:
        yield {
            "source": entry["Source"],
            "detail-type": entry["DetailType"],
            "detail": json.loads(entry["Detail"]),
        }
    for machine in ("MusicJobMachine", "BatchMachine"):
        for qualifier in ("", ":live", ":7"):
            arn = f"{deployment.resources[machine]}{qualifier}"
            detail = {"stateMachineArn": arn, "status": "FAILED", "name": "job_1"}
            yield {"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": detail}
    put = {"bucket": {"name": deployment.resources["InboxBucket"]}, "object": {"key": "requests/acme/a b.json"}}
    yield {"source": "aws.s3", "detail-type": "Object Created", "detail": put}


def hearers(event: Event, clients: Clients) -> set[str]:
    """The ARNs of what the rules of the default bus hand an event to, whichever stack they are of."""
    client = clients("events")
    message: Any = event
    heard = set()
    for rule in client.list_rules()["Rules"]:
        if "EventPattern" in rule and EventPattern.load(rule["EventPattern"]).matches_event(message):
            heard |= {target["Arn"] for target in client.list_targets_by_rule(Rule=rule["Name"])["Targets"]}
    return heard


@pytest.mark.parametrize("stack", STACKS)
def test_an_event_of_a_stack_reaches_functions_of_that_stack_only(
    stack: str, deployments: Deployments, clients: Clients
) -> None:
    own = {f"{function.arn}:live" for function in deployments[stack].functions.values()}
    heard = [hearers(event, clients) for event in events_of(deployments[stack])]

    assert [len(arns) for arns in heard] == [1, 0, 1, 1, 1, 1, 1, 1, 1]
    assert set().union(*heard) <= own


def test_requests_come_over_a_bus_of_each_stack(deployments: Deployments, clients: Clients) -> None:
    buses = [deployment.outputs["RequestBusName"] for deployment in deployments.values()]
    rules = [clients("events").list_rules(EventBusName=bus)["Rules"] for bus in buses]

    assert len(set(buses)) == len(buses)
    assert [len(of_bus) for of_bus in rules] == [1, 1]


def dimensions_of(alarm: Mapping[str, Any]) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in alarm["Dimensions"]}


@pytest.mark.parametrize("stack", STACKS)
def test_an_alarm_watches_the_metrics_of_its_own_stack(
    stack: str, deployments: Deployments, clients: Clients, capsys: pytest.CaptureFixture[str]
) -> None:
    own = {name for kind, name in deployments[stack].resources.items() if kind.endswith("Alarm")}
    alarms = [each for each in clients("cloudwatch").describe_alarms()["MetricAlarms"] if each["AlarmName"] in own]
    EmfMetrics(stack_name_of(deployments[stack])).percent("ProviderBudgetUsed", "minimax", 80)
    written = json.loads(capsys.readouterr().out)

    assert len(alarms) == len(own) > 1
    assert written["stack"] == stack
    resources = set(deployments[stack].resources.values())
    for alarm in alarms:
        metrics = alarm.get("Metrics") or [alarm]
        queries = [metric["Expression"] for metric in metrics if metric.get("Expression", "").startswith("SELECT")]
        named = [metric.get("MetricStat", {}).get("Metric", metric) for metric in metrics if "Expression" not in metric]
        assert queries or named, alarm["AlarmName"]
        assert all(f"WHERE stack = '{stack}' " in query for query in queries), alarm["AlarmName"]
        for dimensions in map(dimensions_of, named):
            assert dimensions.get("stack", stack) == stack
            for within in ("GlobalSecondaryIndexName", "Alias"):
                dimensions.pop(within, None)
            strangers = [each for each in dimensions.values() if not each.startswith(stack) and each not in resources]
            assert strangers == [] or "provider" in dimensions, alarm["AlarmName"]


def test_no_name_of_one_stack_is_a_name_of_the_other(deployments: Deployments) -> None:
    """The same are only the stage of each API, and the version of settings that nobody set, in a table of each."""
    one, two = (
        {name for logical_id, name in deployments[stack].resources.items() if name != logical_id} for stack in STACKS
    )

    assert len(one) > 100
    assert one & two == {"$default", NOTHING_SET}
