"""Each supported resource type is really there afterwards: what was deployed is read back from the emulator."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from local.deploy import deployer
from local.deploy.deployer import UnsupportedTemplateError
from local.deploy.deployment import Deployment, FunctionSpec
from local.deploy.resources import RESOURCE_TYPES, resource_type
from local.deploy.resources.resource_type import Clients, ResourceType, arn
from local.deploy.transform import package, read_template, to_cloudformation
from local.errors import CustomResourceError, ResourceCreationError
from local.iam.decision import Caller, Need
from local.iam.emulated import EmulatedFacts, EmulatedPolicies
from local.iam.rights import Rights, role_session, service_of_aws
from tests.integration.song import TLS

TEMPLATE = (Path(__file__).parent / "every_type.yaml").read_text("utf-8")
MACHINE = {
    "StartAt": "SayHello",
    "States": {"SayHello": {"Type": "Task", "Resource": "${SayHelloFunctionArn}", "End": True}},
}
HEARD: list[dict[str, Any]] = []
"""The events of custom resources."""


def run_a_polite_function(_function: FunctionSpec, payload: bytes) -> None:
    """Answer as a function would that greets the name in its event."""
    event = json.loads(payload)
    HEARD.append(event)
    answer(event, Status="SUCCESS", PhysicalResourceId="greeting", Data={"Words": "Good day", "Times": 3})


def answer(event: dict[str, Any], **fields: object) -> int:
    same = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    # As to an address that S3 has signed: without a type.
    return httpx.put(event["ResponseURL"], content=json.dumps({**same, **fields})).status_code


deploy = partial(deployer.deploy, run=run_a_polite_function)


def write_project(folder: Path) -> Path:
    for code in ("say_hello", "authorize", "layer/package", "built/SayHelloFunction", "built/Layer/python"):
        (folder / code).mkdir(parents=True)
    (folder / "machine.asl.json").write_text(json.dumps(MACHINE))
    (folder / "template.yaml").write_text(TEMPLATE)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path)


@pytest.fixture(scope="module")
def deployed_from(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def deployment(deployed_from: Path, clients: Clients) -> Deployment:
    return deploy(deployed_from / "template.yaml", stack_name="test", parameters={"Seconds": "7"}, clients=clients)


def test_a_table_has_its_keys_indexes_and_time_to_live(deployment: Deployment, clients: Clients) -> None:
    name = deployment.resources["Table"]

    table = clients("dynamodb").describe_table(TableName=name)["Table"]
    time_to_live = clients("dynamodb").describe_time_to_live(TableName=name)["TimeToLiveDescription"]

    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["by_tenant"]
    assert time_to_live["AttributeName"] == "expires_at"
    assert time_to_live["TimeToLiveStatus"] in {"ENABLING", "ENABLED"}


def test_a_bucket_has_its_policy_and_blocks_public_access(deployment: Deployment, clients: Clients) -> None:
    bucket = deployment.resources["Bucket"]

    policy = json.loads(clients("s3").get_bucket_policy(Bucket=bucket)["Policy"])
    block = clients("s3").get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]

    assert policy["Statement"][0]["Resource"] == [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    assert policy["Version"] == "2012-10-17"
    assert set(block.values()) == {True}
    assert clients("s3").get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_a_queue_has_its_redrive_and_its_policy(deployment: Deployment, clients: Clients) -> None:
    answer = clients("sqs").get_queue_attributes(QueueUrl=deployment.resources["Queue"], AttributeNames=["All"])

    attributes = answer["Attributes"]
    dead_letters = clients("sqs").get_queue_attributes(
        QueueUrl=deployment.resources["DeadLetterQueue"], AttributeNames=["All"]
    )["Attributes"]
    assert attributes["VisibilityTimeout"] == "7"
    assert json.loads(attributes["RedrivePolicy"]) == {
        "deadLetterTargetArn": dead_letters["QueueArn"],
        "maxReceiveCount": 3,
    }
    assert json.loads(dead_letters["Policy"])["Statement"][0]["Resource"] == dead_letters["QueueArn"]


def test_a_given_secret_is_kept_and_a_generated_one_is_random(deployment: Deployment, clients: Clients) -> None:
    def secret(logical_id: str) -> str:
        value = clients("secretsmanager").get_secret_value(SecretId=deployment.resources[logical_id])["SecretString"]
        assert isinstance(value, str)
        return value

    assert secret("GivenSecret") == "{}"
    generated = json.loads(secret("GeneratedSecret"))
    assert generated["user"] == "operator"
    assert len(generated["password"]) == 40
    assert secret("PlainSecret").isalnum()


def test_a_function_runs_from_its_folder_with_its_layers_and_environment(
    deployment: Deployment, deployed_from: Path, clients: Clients
) -> None:
    function = deployment.functions["test-SayHelloFunction"]

    assert function.logical_id == "SayHelloFunction"
    assert function.arn == clients("lambda").get_function(FunctionName=function.name)["Configuration"]["FunctionArn"]
    assert (function.handler, function.timeout_s, function.memory_mb) == ("app.lambda_handler", 7, 256)
    assert function.code_dir == deployed_from / "say_hello"
    assert function.layer_dirs == (deployed_from / "layer",)
    assert function.environment == {
        "TABLE_NAME": deployment.resources["Table"],
        "SECONDS": "7",
        "FLAG": "true",
        "COUNT": "3",
    }


def test_a_built_function_runs_from_what_was_built(project: Path, clients: Clients) -> None:
    built = TEMPLATE.replace("CodeUri: say_hello", "CodeUri: SayHelloFunction").replace(
        "ContentUri: layer", "ContentUri: Layer"
    )
    built = built.replace("  Layer:\n", "  Layer:\n    Metadata: { BuildMethod: python3.13 }\n")
    built = built.replace("CodeUri: authorize", "CodeUri: SayHelloFunction").replace("machine.asl", "../machine.asl")
    (project / "built" / "template.yaml").write_text(built)

    deployment = deploy(project / "template.yaml", stack_name="built", clients=clients, built_dir=project / "built")

    function = deployment.functions["built-SayHelloFunction"]
    assert function.code_dir == project / "built" / "SayHelloFunction"
    assert function.layer_dirs == (project / "built" / "Layer" / "python",)


def test_a_function_keeps_its_alias_its_caller_and_its_retries(deployment: Deployment, clients: Clients) -> None:
    name = deployment.resources["SayHelloFunction"]

    alias = clients("lambda").get_alias(FunctionName=name, Name="live")
    policy = json.loads(clients("lambda").get_policy(FunctionName=name, Qualifier="live")["Policy"])
    retries = clients("lambda").get_function_event_invoke_config(FunctionName=name)

    assert alias["FunctionVersion"] == "1"
    assert {statement["Principal"]["Service"] for statement in policy["Statement"]} >= {"events.amazonaws.com"}
    assert {statement["Resource"].split(":function:")[1] for statement in policy["Statement"]} == {f"{name}:live"}
    assert retries["MaximumRetryAttempts"] == 1
    assert retries["DestinationConfig"]["OnFailure"]["Destination"].endswith(":test-DeadLetterQueue")


def test_what_is_judged_is_what_was_deployed(deployment: Deployment) -> None:
    source, facts, rights = EmulatedPolicies(), EmulatedFacts(), Rights(EmulatedPolicies())
    role = deployment.functions[deployment.resources["SayHelloFunction"]].role_arn
    queue, table = (arn(service, name) for service, name in (("sqs", "test-Queue"), ("dynamodb", "table/test-Table")))

    def may(caller: Caller, action: str, resource: str) -> bool:
        return rights.refusal(caller, [Need(action, resource)]) is None

    actions = ("sqs:ReceiveMessage", "sqs:SendMessage", "sqs:DeleteMessage")
    assert [may(role_session(role, "f"), action, queue) for action in actions] == [True, True, False]
    assert may(role_session(role, "f"), "dynamodb:GetItem", table)
    assert not source.of_role("arn:aws:iam::123456789012:role/nobody").statements
    rule = service_of_aws(
        "events.amazonaws.com", arn("events", f"rule/{deployment.resources['SayHelloFunctionEveryMinute']}")
    )
    function = arn("lambda", f"function:{deployment.resources['SayHelloFunction']}")
    assert [may(rule, "lambda:InvokeFunction", name) for name in (f"{function}:live", function)] == [True, False]
    assert [facts.hash_key("test-Table", index) for index in (None, "by_tenant", "none")] == ["pk", "tenant", None]
    assert facts.machine_of("a token that nobody waits for") is None


def test_a_role_has_its_policies(deployment: Deployment, clients: Clients) -> None:
    role = deployment.resources["SayHelloFunctionRole"]

    inline = clients("iam").get_role_policy(RoleName=role, PolicyName="SayHelloFunctionRolePolicy1")["PolicyDocument"]
    added = clients("iam").get_role_policy(RoleName=role, PolicyName="may-send")["PolicyDocument"]

    assert inline["Statement"][0]["Resource"].endswith(f":table/{deployment.resources['Table']}")
    assert added["Statement"][0]["Action"] == "sqs:SendMessage"


@pytest.mark.parametrize(
    ("role", "policy", "action"),
    [
        ("SayHelloFunctionRole", "MayReceive", "sqs:ReceiveMessage"),
        ("AuthorizeFunctionRole", "MayStart", "states:StartExecution"),
    ],
    ids=["the role names the policy", "the policy names the role"],
)
def test_a_role_has_the_managed_policies_of_the_template_and_none_of_aws(
    deployment: Deployment, clients: Clients, role: str, policy: str, action: str
) -> None:
    attached = clients("iam").list_attached_role_policies(RoleName=deployment.resources[role])["AttachedPolicies"]
    arn = deployment.resources[policy]
    version = clients("iam").get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]

    document = clients("iam").get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]

    assert [each["PolicyArn"] for each in attached] == [arn]
    assert document["Version"] == "2012-10-17"
    assert [statement["Action"] for statement in document["Statement"]] == [action]


def test_a_machine_has_its_definition_with_every_name_filled_in(deployment: Deployment, clients: Clients) -> None:
    described = clients("stepfunctions").describe_state_machine(stateMachineArn=deployment.resources["Machine"])

    arn = deployment.functions["test-SayHelloFunction"].arn
    assert described["name"] == "test-Machine"
    assert json.loads(described["definition"]) == json.loads(json.dumps(MACHINE).replace("${SayHelloFunctionArn}", arn))


def test_a_rule_has_its_pattern_and_its_target(deployment: Deployment, clients: Clients) -> None:
    rule = clients("events").describe_rule(Name=deployment.resources["Rule"])
    (target,) = clients("events").list_targets_by_rule(Rule=deployment.resources["Rule"])["Targets"]

    assert json.loads(rule["EventPattern"]) == {
        "source": ["aws.states"],
        "detail": {"stateMachineArn": [deployment.resources["Machine"]]},
    }
    assert target["Arn"] == deployment.functions["test-SayHelloFunction"].arn
    assert target["InputTransformer"]["InputPathsMap"] == {"name": "$.detail.name"}
    assert target["DeadLetterConfig"]["Arn"].endswith(":test-DeadLetterQueue")
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 3600}


def test_a_schedule_is_a_rule_as_well(deployment: Deployment, clients: Clients) -> None:
    rule = clients("events").describe_rule(Name=deployment.resources["SayHelloFunctionEveryMinute"])

    assert rule["ScheduleExpression"] == "rate(1 minute)"


def test_a_rule_of_another_bus_is_on_that_bus(deployment: Deployment, clients: Clients) -> None:
    (rule,) = clients("events").list_rules(EventBusName="test-bus")["Rules"]
    (target,) = clients("events").list_targets_by_rule(Rule=rule["Name"], EventBusName="test-bus")["Targets"]
    policy = json.loads(clients("events").describe_event_bus(Name="test-bus")["Policy"])

    assert rule["Name"] == deployment.resources["RuleOfTheBus"]
    assert rule["Arn"].endswith(f":rule/test-bus/{rule['Name']}")
    assert target["Arn"] == deployment.functions["test-SayHelloFunction"].arn
    assert policy["Statement"][0]["Principal"] == {"AWS": ["111122223333"]}


def test_log_groups_alarms_and_parameters_can_be_read_back(deployment: Deployment, clients: Clients) -> None:
    groups = clients("logs").describe_log_groups(logGroupNamePrefix=deployment.resources["LogGroup"])["logGroups"]
    alarms = clients("cloudwatch").describe_alarms(AlarmNames=[deployment.resources["Alarm"]])["MetricAlarms"]
    parameter = clients("ssm").get_parameter(Name=deployment.resources["Url"])["Parameter"]

    assert groups[0]["retentionInDays"] == 30
    assert alarms[0]["Threshold"] == 1.0
    assert parameter["Value"] == deployment.outputs["ApiUrl"]


def test_an_alarm_on_many_metrics_has_its_query(deployment: Deployment, clients: Clients) -> None:
    name = deployment.resources["AlarmOnMany"]
    (alarm,) = clients("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]

    (query,) = alarm["Metrics"]
    assert query["Expression"] == 'SELECT MAX(Used) FROM SCHEMA("Mine", name) GROUP BY name'
    assert (query["Period"], query["ReturnData"]) == (60, True)


def test_an_alarm_on_a_sum_has_its_metrics_and_its_topic(deployment: Deployment, clients: Clients) -> None:
    name, topic = deployment.resources["AlarmOnASum"], deployment.resources["Topic"]
    (alarm,) = clients("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    (subscription,) = clients("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]

    (queue,) = [query["MetricStat"] for query in alarm["Metrics"] if "MetricStat" in query]
    assert queue["Metric"]["Dimensions"] == [{"Name": "QueueName", "Value": "test-Queue"}]
    assert (queue["Period"], queue["Stat"], alarm["AlarmActions"]) == (60, "Maximum", [topic])
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "operator@example.com")


def test_a_dashboard_can_be_read_back(deployment: Deployment, clients: Clients) -> None:
    body = clients("cloudwatch").get_dashboard(DashboardName=deployment.resources["Dashboard"])["DashboardBody"]

    assert json.loads(body) == {"widgets": [], "start": "test-Queue"}


def test_routes_know_their_function_and_their_authorizer(deployment: Deployment) -> None:
    routes = {(route.method, route.path): route for route in deployment.routes}

    assert set(routes) == {("POST", "/v1/jobs/{id}"), ("GET", "/healthz"), ("ANY", "$default")}
    authorizer = routes["POST", "/v1/jobs/{id}"].authorizer
    assert authorizer is not None
    assert authorizer.name == "ApiKey"
    assert authorizer.function_arn == deployment.functions["test-AuthorizeFunction"].arn
    assert (authorizer.identity_header, authorizer.ttl_s) == ("Authorization", 7)
    assert routes["GET", "/healthz"].authorizer is None
    assert routes["ANY", "$default"].authorizer is None
    assert routes["GET", "/healthz"].function_arn == f"{deployment.functions['test-SayHelloFunction'].arn}:live"


def test_a_resource_or_output_whose_condition_is_false_is_not_there(deployment: Deployment) -> None:
    assert "OnlyInProduction" not in deployment.resources
    assert "OnlyInProduction" not in deployment.outputs


def test_two_deployments_give_the_same_names(project: Path, deployment: Deployment, clients: Clients) -> None:
    again = deploy(project / "template.yaml", stack_name="other", parameters={"Seconds": "7"}, clients=clients)

    assert [name.replace("other-", "test-") for name in again.functions] == list(deployment.functions)
    assert list(again.resources) == list(deployment.resources)


def known(type_name: str) -> ResourceType[Any]:
    found = resource_type(type_name)
    assert found is not None
    return found


def test_every_supported_type_gives_all_of_its_attributes(project: Path, clients: Clients) -> None:
    template = read_template(project / "template.yaml")
    packaged = package(template, project, built=False)
    types = {
        logical_id: resource["Type"]
        for logical_id, resource in to_cloudformation(packaged.template, {"Seconds": "7"})["Resources"].items()
        if "Condition" not in resource
    }
    asked = {
        f"{logical_id}{attribute}": {"Value": {"Fn::GetAtt": [logical_id, attribute]}}
        for logical_id, type_name in types.items()
        for attribute in known(type_name).attributes
    }
    (project / "asking.yaml").write_text(yaml.safe_dump({**template, "Outputs": asked}))

    outputs = deploy(project / "asking.yaml", stack_name="asking", clients=clients).outputs

    assert {known(type_name).name for type_name in types.values()} == set(RESOURCE_TYPES)
    assert set(outputs) == set(asked)
    assert all(outputs.values())


def test_what_the_emulator_refuses_is_named_by_its_resource(project: Path, clients: Clients) -> None:
    clients("s3").create_bucket(Bucket="taken", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    bucket = "Resources: {Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: taken}}}"
    (project / "bucket.yaml").write_text(bucket)

    with pytest.raises(
        ResourceCreationError, match=r"Bucket \(AWS::S3::Bucket\): the emulator refuses it: .*BucketAlready"
    ) as refused:
        deploy(project / "bucket.yaml", clients=clients)

    assert refused.value.exit_code == 1


def test_a_layer_of_another_account_is_refused(project: Path, clients: Clients) -> None:
    foreign = "arn:aws:lambda:eu-west-1:999999999999:layer:Other:3"
    (project / "template.yaml").write_text(TEMPLATE.replace("Layers: [!Ref Layer]", f"Layers: [{foreign}]"))

    with pytest.raises(UnsupportedTemplateError, match=f"Layers: {foreign} is not a layer of this template"):
        deploy(project / "template.yaml", stack_name="foreign", clients=clients)


def test_a_custom_resource_is_created_by_its_function(deployment: Deployment) -> None:
    asked = {event["LogicalResourceId"]: event for event in HEARD if "/test/" in event["StackId"]}

    greeting = asked["Greeting"]
    assert (greeting["RequestType"], greeting["ResourceType"]) == ("Create", "Custom::Greeting")
    assert greeting["ResourceProperties"] == {
        "ServiceToken": deployment.functions["test-SayHelloFunction"].arn,
        "ServiceTimeout": "60",
        "To": [deployment.resources["Queue"], {"Loud": "true", "Times": "3"}],
    }
    assert asked["Reply"]["ResourceProperties"]["To"] == "Good day"
    assert deployment.outputs["Reply"] == "greeting: Good day"


CUSTOM = """
Transform: AWS::Serverless-2016-10-31
Resources:
  SayHelloFunction:
    Type: AWS::Serverless::Function
    Properties: { CodeUri: say_hello, Handler: app.lambda_handler, Runtime: python3.13 }
  Greeting: { Type: "Custom::Greeting", Properties: { ServiceToken: !GetAtt SayHelloFunction.Arn } }
Outputs: { Words: { Value: !GetAtt Greeting.Words } }
"""


@pytest.fixture
def custom(project: Path) -> Path:
    (project / "custom.yaml").write_text(CUSTOM)
    return project / "custom.yaml"


def refusal_of(template: Path, clients: Clients, **fields: object) -> str:
    def run(_function: FunctionSpec, payload: bytes) -> None:
        answer(json.loads(payload), **fields)

    with pytest.raises(ResourceCreationError) as refused:
        deployer.deploy(template, stack_name=template.parent.name, clients=clients, run=run)
    return str(refused.value)


def test_what_the_function_of_a_custom_resource_refuses_ends_the_start_in_its_words(
    custom: Path, clients: Clients
) -> None:
    def refuse(_function: FunctionSpec, payload: bytes) -> None:
        answer(json.loads(payload), Status="FAILED", PhysicalResourceId="none", Reason="nobody is there to greet")

    with pytest.raises(CustomResourceError) as refused:
        deployer.deploy(custom, stack_name="refusing", clients=clients, run=refuse)

    assert str(refused.value) == "Greeting (Custom::Greeting): nobody is there to greet"
    assert refused.value.exit_code == 2


def test_a_function_that_dies_or_says_nothing_ends_the_start(custom: Path, clients: Clients) -> None:
    with pytest.raises(
        ResourceCreationError, match=r"it failed with Sandbox\.Timedout; see the log of SayHelloFunction"
    ):
        deployer.deploy(custom, stack_name="dying", clients=clients, run=lambda *_: "Sandbox.Timedout")
    with pytest.raises(ResourceCreationError, match="it ended without an answer; see the log of SayHelloFunction"):
        deployer.deploy(custom, stack_name="silent", clients=clients, run=lambda *_: None)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"Status": "DONE", "PhysicalResourceId": "x"}, "CloudFormation would refuse its answer: Status"),
        (
            {"Status": "SUCCESS", "PhysicalResourceId": ""},
            "CloudFormation would refuse its answer: PhysicalResourceId",
        ),
        ({"Status": "SUCCESS"}, "CloudFormation would refuse its answer: PhysicalResourceId"),
        (
            {"Status": "SUCCESS", "PhysicalResourceId": "x", "RequestId": "y"},
            "names another stack, request or resource",
        ),
        ({"Status": "SUCCESS", "PhysicalResourceId": "x", "Data": {"Words": "x" * 4096}}, "ended without an answer"),
        ({"Status": "SUCCESS", "PhysicalResourceId": "x"}, "Greeting was created without the attribute Words"),
    ],
    ids=["unknown status", "empty id", "no id", "another request", "too long", "an attribute is missing"],
)
def test_an_answer_that_cloudformation_would_not_take_ends_the_start(
    custom: Path, clients: Clients, fields: dict[str, Any], told: str
) -> None:
    assert told in refusal_of(custom, clients, **fields)


def test_a_custom_resource_calls_a_function_of_its_template(custom: Path, clients: Clients) -> None:
    custom.write_text(
        CUSTOM.replace("!GetAtt SayHelloFunction.Arn", "arn:aws:lambda:eu-west-1:999999999999:function:x")
    )

    with pytest.raises(UnsupportedTemplateError, match=r"ServiceToken: arn:.*:function:x is not a function of this"):
        deploy(custom, stack_name="asking-others", clients=clients)


def test_an_answer_is_taken_under_its_own_address_alone(custom: Path, clients: Clients) -> None:
    statuses: list[int] = []

    def run(_function: FunctionSpec, payload: bytes) -> None:
        event = json.loads(payload)
        elsewhere = {**event, "ResponseURL": f"{event['ResponseURL']}x"}
        statuses.append(answer(elsewhere, Status="SUCCESS", PhysicalResourceId="x"))
        statuses.append(httpx.post(event["ResponseURL"], content=b"{}", verify=TLS).status_code)

    with pytest.raises(ResourceCreationError, match="without an answer"):
        deployer.deploy(custom, stack_name="elsewhere", clients=clients, run=run)
    assert statuses == [403, 403]


@pytest.mark.parametrize(("length", "fits"), [(4096, True), (4097, False)])
def test_an_environment_is_no_larger_than_lambda_takes(custom: Path, clients: Clients, length: int, fits: bool) -> None:
    value = "x" * (length - len("VALUE"))
    custom.write_text(CUSTOM.replace("CodeUri:", f"Environment: {{ Variables: {{ VALUE: {value} }} }}, CodeUri:"))

    if fits:
        assert deploy(custom, stack_name="full", clients=clients).outputs
    else:
        with pytest.raises(UnsupportedTemplateError, match="Environment: its names and values have 4097 bytes; Lambda"):
            deploy(custom, stack_name="overfull", clients=clients)
