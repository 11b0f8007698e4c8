"""Every alarm hears what the functions write: none on a busy day, each when its trouble comes, each to a person."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from local.deploy.parameters import read_parameters
from local.errors import RefusedParameterError
from tests.support import observed
from tests.support.cloudwatch import Alarm, CloudWatch, Identity, alarms_of, identity, plain, read_lines, read_query

pytestmark = pytest.mark.check

Template = dict[str, Any]
Write = Callable[[Callable[[], None]], str]
"""Runs something and returns the lines that it wrote."""
DAY_S: Final = 24 * 3600
OF_AWS: Final = {
    ("AWS/SQS", frozenset({"QueueName"})): ({"ApproximateNumberOfMessagesVisible"}, {"AWS::SQS::Queue"}),
    ("AWS/Lambda", frozenset({"FunctionName"})): ({"Errors", "Throttles"}, {"AWS::Lambda::Function"}),
    ("AWS/States", frozenset({"StateMachineArn"})): (
        {"ExecutionsFailed", "ExecutionsTimedOut"},
        {"AWS::StepFunctions::StateMachine"},
    ),
    ("AWS/ApiGateway", frozenset({"ApiId"})): ({"5xx", "Latency"}, {"AWS::ApiGatewayV2::Api"}),
    ("AWS/DynamoDB", frozenset({"TableName"})): (
        {"ReadThrottleEvents", "WriteThrottleEvents"},
        {"Custom::TableInUse"},
    ),
    ("AWS/DynamoDB", frozenset({"TableName", "GlobalSecondaryIndexName"})): (
        {"ReadThrottleEvents", "WriteThrottleEvents"},
        {"Custom::TableInUse"},
    ),
}
"""The metrics that AWS documents for these dimensions, and the type of resource that the dimension names. TableInUse
has the name of the table, the stack's own or a restored one.
"""
OLDER: Final = {"MinimaxBudgetAlarm", "SkillbossBudgetAlarm", "ApiinoneBudgetAlarm", "AimlapiBudgetAlarm"}
"""These stay for their subscribers and repeat ProviderBudgetAlarm."""
RELEASE: Final = "ReleaseAlarm"
SILENT: Final = {"ReaperSilentAlarm"}
TOO_SLOW: Final = {"ApiLatencyAlarm"}


@pytest.fixture(scope="module")
def alarms(transformed: Template) -> dict[str, Alarm]:
    """The alarms that call somebody. Those that only roll a deployment back have tests of their own."""
    return {name: alarm for name, alarm in alarms_of(transformed["Resources"]).items() if not name.endswith(RELEASE)}


@pytest.fixture
def write(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], template: Template) -> Write:
    for name, value in template["Globals"]["Function"]["Environment"]["Variables"].items():
        monkeypatch.setenv(name, plain(value, "fermata"))

    def written(something: Callable[[], None]) -> str:
        capsys.readouterr()
        something()
        return capsys.readouterr().out

    return written


def _watched(alarm: Alarm) -> Iterator[Identity]:
    """The metrics that an alarm names; of a query those of one group, `*`."""
    if "Metrics" not in alarm:
        yield identity(alarm)
    for query in alarm.get("Metrics", ()):
        if "MetricStat" in query:
            yield identity(query["MetricStat"]["Metric"])
        elif query["Expression"].startswith("SELECT"):
            asked = read_query(query["Expression"])
            given = dict(asked.where)
            yield Identity(
                asked.namespace, asked.metric, frozenset((name, given.get(name, "*")) for name in asked.schema)
            )


# ---- what is watched exists


def test_an_alarm_names_only_metrics_that_aws_documents_or_that_the_functions_write(
    alarms: dict[str, Alarm], transformed: Template, write: Write
) -> None:
    every = {
        observed.a_job_that_breaks_every_run,
        observed.a_run_of_the_reaper,
        observed.an_audit_without_drift,
        observed.a_song_that_is_not_there_yet,
        *(do for do, _ in observed.TROUBLES.values()),
    }
    lines = "".join(write(do) for do in every)
    written = {(each.namespace, each.name, each.names) for each, _ in read_lines(lines)}
    for name, alarm in alarms.items():
        for metric in _watched(alarm):
            if metric.namespace == "Fermata":
                assert (metric.namespace, metric.name, metric.names) in written, name
                continue
            names, types = OF_AWS[metric.namespace, metric.names]
            assert metric.name in names, name
            for dimension, value in metric.dimensions:
                if dimension == "GlobalSecondaryIndexName":
                    assert value in {"ByCheckAt", "ByTenant"}
                else:
                    assert transformed["Resources"][value]["Type"] in types, name


def test_every_dead_letter_queue_machine_and_api_is_watched(alarms: dict[str, Alarm], transformed: Template) -> None:
    watched = {value for alarm in alarms.values() for metric in _watched(alarm) for _, value in metric.dimensions}
    kinds = {"AWS::SQS::Queue", "AWS::ApiGatewayV2::Api", "AWS::StepFunctions::StateMachine", "Custom::TableInUse"}
    there = {name for name, each in transformed["Resources"].items() if each["Type"] in kinds}

    # An execution of this machine fails where a customer's receiver does.
    assert there - watched == {"WebhookDeliveryMachine"}


def test_a_function_that_no_api_answers_for_is_watched_itself_or_by_a_queue(
    alarms: dict[str, Alarm], transformed: Template
) -> None:
    """The API's errors are those of its functions; a function with a queue leaves there what it could not handle."""
    resources = transformed["Resources"]
    functions = {name for name, each in resources.items() if each["Type"] == "AWS::Lambda::Function"}
    with_queue = {name for name in functions if "DeadLetterConfig" in resources[name]["Properties"]}
    bodies = [str(each["Properties"]) for each in resources.values() if each["Type"] == "AWS::ApiGatewayV2::Api"]
    answered = {name for name in functions if any(f"{name}Aliaslive" in body for body in bodies)}
    watched = {value for metric in _watched(alarms["FunctionErrorsAlarm"]) for _, value in metric.dimensions}

    assert functions - with_queue - answered - watched == {
        *("ManageTenantsFunction", "ValidateSettingsFunction"),  # whoever calls them sees how they fail
        "SubmitLineFunction",  # a line that fails too often fails the batch's execution
        "PrepareReferenceFunction",  # it also fails where a caller's link is slow
    }


def test_no_alarm_hears_another_stack(alarms: dict[str, Alarm]) -> None:
    """The metrics of AWS are those of the stack's own resources; the functions' own carry the stack's name."""
    own = [each for alarm in alarms.values() for each in _watched(alarm) if each.namespace == "Fermata"]

    assert len(own) > 10
    assert [each for each in own if ("stack", "fermata") not in each.dimensions] == []


# ---- what it says


def test_every_alarm_says_what_it_means_and_what_to_do(alarms: dict[str, Alarm]) -> None:
    for name, alarm in alarms.items():
        said = alarm["AlarmDescription"]
        assert len(said) <= 1024, name
        assert name in OLDER or len(re.findall(r"[.;:] ", said)) >= 2, f"{name} says too little"


def test_a_name_in_a_description_is_one_of_the_template(alarms: dict[str, Alarm], template: Template) -> None:
    known = {*template["Resources"], *template["Parameters"]}
    for alarm in alarms.values():
        named = re.findall(r"\b(?:[A-Z][a-z]+){2,}(?:Function|Alarm|Seconds)\b", alarm["AlarmDescription"])
        assert set(named) <= known


def test_every_alarm_is_sent_to_the_address_or_the_topic(resources: Template, template: Template) -> None:
    sent = {"Fn::If": ["AlarmEmailIsGiven", {"Ref": "AlarmTopic"}, {"Ref": "AlarmTopicArn"}]}
    actions = {"Fn::If": ["AlarmsAreSent", [sent], {"Ref": "AWS::NoValue"}]}
    alarms = {name: each["Properties"] for name, each in resources.items() if each["Type"].endswith("::Alarm")}
    unsent = {name for name, alarm in alarms.items() if alarm.get("AlarmActions") != actions}

    assert {name for name in unsent if not name.endswith(RELEASE)} == OLDER
    assert resources["AlarmTopic"]["Properties"]["Subscription"] == [
        {"Protocol": "email", "Endpoint": {"Ref": "AlarmEmail"}}
    ]
    assert [template["Parameters"][name]["Default"] for name in ("AlarmEmail", "AlarmTopicArn")] == ["", ""]


def test_an_address_and_a_topic_together_or_in_a_wrong_form_are_refused_before_anything_is_created(
    template: Template,
) -> None:
    topic = "arn:aws:sns:eu-west-1:123456789012:incidents"
    for given in ({}, {"AlarmEmail": "operator@example.com"}, {"AlarmTopicArn": topic}):
        assert read_parameters(template, given)["AlarmEmail"] == given.get("AlarmEmail", "")
    with pytest.raises(RefusedParameterError, match="Give AlarmEmail or AlarmTopicArn, not both"):
        read_parameters(template, {"AlarmEmail": "operator@example.com", "AlarmTopicArn": topic})
    for name, wrong in (("AlarmEmail", "operator"), ("AlarmTopicArn", "incidents")):
        with pytest.raises(RefusedParameterError, match=name):
            read_parameters(template, {name: wrong})


# ---- when it is raised


def test_a_healthy_busy_day_raises_none(alarms: dict[str, Alarm], write: Write) -> None:
    day = _busy_day(alarms, write)

    assert [name for name, alarm in alarms.items() if day.ever_alarms(alarm, DAY_S)] == []


@pytest.mark.parametrize("late_s", [0, 120])
def test_a_job_that_breaks_every_run_of_the_reaper_is_heard_like_an_unreadable_record(
    alarms: dict[str, Alarm], write: Write, late_s: int
) -> None:
    seen = CloudWatch()
    seen.put_lines(write(observed.a_job_that_breaks_every_run), 3600)

    assert seen.ever_alarms(alarms["UnreadableRecordsAlarm"], 7200, late_s)


def _busy_day(alarms: dict[str, Alarm], write: Write) -> CloudWatch:
    """Seven songs a minute, and the small accidents of a day of which no person need hear."""
    job, reaper = write(observed.a_job_that_goes_well), write(observed.a_run_of_the_reaper)
    day = CloudWatch()
    # The day before ended well.
    for minute in range(-30, DAY_S // 60):
        day.put_lines(job * 7 + reaper, minute * 60)
    day.put_lines(write(observed.an_audit_without_drift), 3600)
    day.put_lines(write(observed.an_open_circuit), 7200)
    for hour in (3, 9, 15, 21):
        day.put_lines(write(observed.an_unknown_outcome), hour * 3600)
    for metric in {each for alarm in alarms.values() for each in _watched(alarm) if each.namespace != "Fermata"}:
        for minute in range(DAY_S // 60):
            day.put(metric, minute * 60, *_healthy(metric, minute))
    return day


def _healthy(metric: Identity, minute: int) -> list[float]:
    """A minute of a metric of AWS: a fifth of the requests wait for their song, single calls fail or are throttled."""
    if metric.name == "Latency":
        return [45.0] * 40 + [25_000.0] * 10
    if metric.name == "5xx" or (
        metric.name == "Errors" and ("FunctionName", "StoreAudioFunction") in metric.dimensions
    ):
        return [float(minute % 90 == 7)]
    if metric.name in {"Throttles", "WriteThrottleEvents"}:
        return [float(minute == 600)]
    return [0.0]


@pytest.mark.parametrize("late_s", [0, 120])
def test_every_alarm_of_the_functions_own_metrics_is_raised_by_its_trouble(
    alarms: dict[str, Alarm], write: Write, late_s: int
) -> None:
    own = {name for name, alarm in alarms.items() if {each.namespace for each in _watched(alarm)} == {"Fermata"}}
    assert own - OLDER - SILENT == observed.TROUBLES.keys() - OLDER
    for name, (trouble, often) in observed.TROUBLES.items():
        seen, lines = CloudWatch(), write(trouble)
        for time in range(often):
            seen.put_lines(lines, 3600 + time * 890 // often)
        assert seen.ever_alarms(alarms[name], 3 * 3600, late_s), name


BAD_PERIODS: Final = {
    "DeadLettersAlarm": 1,
    "FunctionErrorsAlarm": 1,
    "ExecutionsFailedAlarm": 1,
    "ApiErrorsAlarm": 2,
    "FunctionThrottlesAlarm": 2,
    "TableThrottledAlarm": 2,
}
"""How many periods of trouble a person hears of: one where nothing mends itself."""


@pytest.mark.parametrize("late_s", [0, 120])
@pytest.mark.parametrize(("name", "periods"), BAD_PERIODS.items())
def test_an_alarm_of_metrics_of_aws_is_raised_by_each_of_them_alone_and_by_no_less(
    alarms: dict[str, Alarm], name: str, periods: int, late_s: int
) -> None:
    """The other metrics of the sum never had a value."""
    alarm = alarms[name]
    for metric in (each for each in _watched(alarm) if each.namespace != "Fermata"):
        assert _raised(alarm, metric, alarm["Threshold"], periods, late_s), metric
        assert not _raised(alarm, metric, alarm["Threshold"] - 1, periods, late_s), metric
        assert not _raised(alarm, metric, 1000, periods - 1, late_s), metric


@pytest.mark.parametrize("failed", [0, 3])
def test_errors_that_are_raised_on_purpose_raise_no_alarm_and_hide_no_failure(
    alarms: dict[str, Alarm], write: Write, failed: int
) -> None:
    alarm, excused, seen = alarms["FunctionErrorsAlarm"], write(observed.a_song_that_is_not_there_yet), CloudWatch()
    errors = next(each for each in _watched(alarm) if ("FunctionName", "StoreAudioFunction") in each.dimensions)
    for second in range(7200, 7260):
        seen.put(errors, second, 1.0)
        seen.put_lines(excused, second)
    seen.put(errors, 7300, *[1.0] * failed)
    assert seen.ever_alarms(alarm, 3 * 3600) is (failed > 0)


def test_every_alarm_of_metrics_of_aws_is_tried(alarms: dict[str, Alarm]) -> None:
    of_aws = {name for name, alarm in alarms.items() if {each.namespace for each in _watched(alarm)} != {"Fermata"}}

    assert of_aws == BAD_PERIODS.keys() | TOO_SLOW


def _raised(alarm: Alarm, metric: Identity, value: float, periods: int, late_s: int) -> bool:
    (period_s,) = {query["MetricStat"]["Period"] for query in alarm["Metrics"] if "MetricStat" in query}
    seen = CloudWatch()
    for time in range(periods):
        seen.put(metric, 7200 + time * period_s, value)
    return seen.ever_alarms(alarm, 7200 + (periods + 4) * period_s, late_s)


def test_a_slow_api_raises_its_alarm_and_one_with_few_requests_does_not(alarms: dict[str, Alarm]) -> None:
    alarm = alarms["ApiLatencyAlarm"]

    def slow(requests: int) -> bool:
        seen = CloudWatch()
        for minute in range(20):
            seen.put(identity(alarm), minute * 60, *[2500.0] * requests)
        return seen.ever_alarms(alarm, 1800)

    assert (slow(5), slow(1)) == (True, False)


def test_a_reaper_that_stops_raises_its_alarm_within_half_an_hour_and_its_next_run_ends_it(
    alarms: dict[str, Alarm], write: Write
) -> None:
    alarm, run, seen = alarms["ReaperSilentAlarm"], write(observed.a_run_of_the_reaper), CloudWatch()
    for minute in range(-30, 60):
        seen.put_lines(run, minute * 60)
    assert not seen.ever_alarms(alarm, 3600 + 600)
    assert seen.ever_alarms(alarm, 3600 + 1800)
    for minute in range(120, 140):
        seen.put_lines(run, minute * 60)
    assert seen.state(alarm, 140 * 60, "ALARM") == "OK"


def test_a_throttled_table_that_recovers_ends_its_alarm(alarms: dict[str, Alarm]) -> None:
    """An alarm on one metric of a table alone would stay raised, because there is no value without throttling."""
    alarm, seen = alarms["TableThrottledAlarm"], CloudWatch()
    metric = next(each for each in _watched(alarm) if each.name == "WriteThrottleEvents")
    for minute in range(15):
        seen.put(metric, minute * 60, 5)
    assert seen.state(alarm, 900) == "ALARM"
    assert seen.state(alarm, 3600, "ALARM") == "OK"
