"""Every part of moto that the cloud replaces, with the reason, and the check that it has the expected form.

The parts are private, so moto's version is pinned, and a part of another form stops the cloud at start-up.
"""

import importlib
import importlib.metadata
import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from local.errors import SeamMismatchError

MOTO_VERSION: Final = "5.2.5"

MotoValue: TypeAlias = Any
"""A value of moto's internals, which have no reliable types."""


@dataclass(frozen=True)
class Seam:
    """A function or module attribute of moto; `parameters` are a function's parameter names, None for other
    attributes.
    """

    module: str
    name: str
    parameters: tuple[str, ...] | None
    reason: str

    @property
    def owner(self) -> MotoValue:
        """The module or class that has the attribute."""
        owner = importlib.import_module(self.module)
        for part in self.name.split(".")[:-1]:
            owner = getattr(owner, part)
        return owner

    @property
    def attribute(self) -> str:
        """The attribute's name in its owner."""
        return self.name.rsplit(".", 1)[-1]

    @property
    def original(self) -> MotoValue:
        """The current value."""
        return getattr(self.owner, self.attribute)

    def replace(self, replacement: object) -> None:
        """Replace the value."""
        setattr(self.owner, self.attribute, replacement)


_ASL: Final = "moto.stepfunctions.parser.asl"
_EXECUTION: Final = "moto.stepfunctions.parser.backend.execution"
_NOT_THREAD_SAFE: Final = "moto's backends lose updates under threads: one call at a time"

EXECUTE_MACHINES: Final = Seam(
    "moto.core.config", "default_user_config", None, "state machines run only when configured so"
)
CALL_DYNAMODB: Final = Seam("moto.dynamodb.responses", "DynamoHandler.call_action", ("self",), _NOT_THREAD_SAFE)
LOCKED: Final = (
    CALL_DYNAMODB,
    Seam("moto.sqs.responses", "SQSResponse.call_action", ("self",), _NOT_THREAD_SAFE),
    Seam("moto.stepfunctions.responses", "StepFunctionResponse.call_action", ("self",), _NOT_THREAD_SAFE),
)
TRANSACT_WRITE: Final = Seam(
    "moto.dynamodb.models",
    "DynamoDBBackend.transact_write_items",
    ("self", "transact_items"),
    "a cancelled transaction is rolled back item by item",
)
TABLE_COPY: Final = Seam(
    "moto.dynamodb.models",
    "copy",
    None,
    "moto copies the whole table for each item of a transaction: a second with a thousand items",
)
QUERY: Final = Seam(
    "moto.dynamodb.models.table",
    "Table.query",
    (
        "self",
        "hash_key",
        "range_comparison",
        "range_objs",
        "limit",
        "exclusive_start_key",
        "scan_index_forward",
        "projection_expressions",
        "index_name",
        "consistent_read",
        "filter_expression",
        "hash_key_conditions",
        "range_key_conditions",
        "filter_kwargs",
    ),
    "moto sorts the whole table for every query, to take one partition out of it",
)
NEW_ITEM: Final = Seam(
    "moto.dynamodb.models.dynamo_type",
    "Item.__init__",
    ("self", "hash_key", "range_key", "attrs"),
    "moto measures a new item as often as it has attributes",
)
DYNAMODB: Final = Seam(
    "moto.dynamodb.responses",
    "DynamoHandler.dispatch",
    ("args", "kwargs"),
    "called without Flask before it, which takes as long as many of the calls themselves",
)
SERIALIZE_STRUCTURE: Final = Seam(
    "moto.core.serialize",
    "BaseJSONSerializer._serialize_type_structure",
    ("self", "serialized", "value", "shape", "key"),
    "moto looks for each of ten types under four names in every DynamoDB attribute: a fifth of all its time",
)
PARSE_UPDATE: Final = Seam(
    "moto.dynamodb.parsing.expressions",
    "UpdateExpressionParser.make",
    ("expression_str",),
    "moto parses the expression of every update again, of a few dozen distinct ones; its callers copy the result",
)
WALK_UPDATE: Final = Seam(
    "moto.dynamodb.parsing.ast_nodes",
    "DepthFirstTraverser.traverse",
    ("self", "node"),
    "ten walks over each update ask at every node anew which nodes they are for: an eighth of all the time",
)
COPY_UPDATE: Final = Seam(
    "moto.dynamodb.parsing.validators",
    "deepcopy",
    None,
    "each update copies its parsed expression as a graph, with a look for every node at what was copied before",
)
SPLIT_CONDITION: Final = Seam(
    "moto.dynamodb.comparisons",
    "ConditionExpressionParser._lex_condition_expression",
    ("self",),
    "moto splits each condition up to three times in a call, of a few dozen distinct ones",
)
ATTRIBUTE_SIZE: Final = Seam(
    "moto.dynamodb.models.dynamo_type",
    "DynamoType.size",
    ("self",),
    "moto makes a new attribute of each member of a map to measure it, for every item that a query finds",
)
ATTRIBUTE_COPY: Final = Seam(
    "moto.dynamodb.models.dynamo_type",
    "DynamoType.__deepcopy__",
    ("self", "memo"),
    "items are copied for every update, and attributes are no graphs",
)
JSON_PATH: Final = Seam(
    f"{_ASL}.utils.json_path",
    "parse",
    ("path", "debug"),
    "the engine builds a parser for every path that it evaluates, a tenth of all its time",
)
ENGINE_CLIENTS: Final = Seam(
    f"{_ASL}.utils.boto_client",
    "boto_client_for",
    ("region", "service", "state_credentials"),
    "the engine builds a client for every task and calls Lambda over HTTP; ours are kept and call the runtime directly",
)
PARSE: Final = Seam(
    f"{_ASL}.parse.asl_parser",
    "AmazonStateLanguageParser.parse",
    ("definition",),
    "the definition is parsed again for every execution, which takes longer than all the rest of the engine's work",
)
RETRY_KEY: Final = Seam(
    f"{_ASL}.component.eval_component",
    "EvalComponent.heap_key",
    None,
    "the key of the retry counter must exist before two executions of one definition read it at once",
)
WAIT: Final = Seam(
    f"{_ASL}.component.state.wait.wait_function.wait_function",
    "WaitFunction._wait_interval",
    ("self", "env", "wait_seconds"),
    "relative waits are scaled in time; moto waits whole seconds only",
)
WAIT_UNTIL: Final = Seam(
    f"{_ASL}.component.state.wait.wait_function.timestamp",
    "Timestamp._get_wait_seconds",
    ("self", "env"),
    "moto compares the instant with local time and cuts its fraction off: it wakes up to two seconds early",
)
RETRY_SLEEP: Final = Seam(
    f"{_ASL}.component.common.retry.retrier_decl", "time", None, "the back-off of retries is scaled in time"
)
START_EXECUTION: Final = Seam(
    "moto.stepfunctions.parser.models",
    "StepFunctionsParserBackend.start_execution",
    ("self", "state_machine_arn", "name", "execution_input", "trace_header"),
    "moto names every execution without a name None",
)
EXECUTION_START: Final = Seam(_EXECUTION, "Execution.start", ("self",), "moto publishes no status change events")
EXECUTION_END: Final = Seam(
    _EXECUTION, "BaseExecutionWorkerCommunication.terminated", ("self",), "moto publishes no status change events"
)
EXECUTION_STOP: Final = Seam(
    _EXECUTION,
    "Execution.stop",
    ("self", "stop_date", "error", "cause"),
    "a stopped execution is ABORTED at once on AWS; moto waits for the running task",
)
ENGINE_THREADS: Final = Seam(
    "moto.stepfunctions.parser.utils",
    "TMP_THREADS",
    None,
    "the engine keeps every thread that it ever started, a dozen for each job",
)
RULE_TARGETS: Final = Seam(
    "moto.events.models",
    "Rule.send_to_targets",
    ("self", "original_event", "transform_input"),
    "moto has no Lambda targets and ignores the rule's state",
)
MAP_WORKER: Final = Seam(
    f"{_ASL}.component.state.exec.state_map.iteration.itemprocessor.distributed_item_processor_worker",
    "DistributedItemProcessorWorker._eval_pool",
    ("self", "job", "worker_frame"),
    "a worker of a distributed map calls itself for each item, and a thousand items are Python's limit",
)
MODULES: Final = Seam(
    "moto.backends", "list_of_moto_modules", (), "moto reads its own directory for every request, a millisecond or two"
)
NEW_MODEL: Final = Seam(
    "moto.core.common_models",
    "BaseModel.__new__",
    ("cls", "args", "kwargs"),
    "moto keeps every object it ever made and copies a whole table per transaction: quadratic in the writes",
)
BUCKET_PERMISSION: Final = Seam(
    "moto.s3.models",
    "FakeBucket.get_permission",
    ("self", "action", "resource"),
    "moto applies bucket policies without their conditions, so that a denial of plain http denies everything",
)

SEAMS: Final = (
    EXECUTE_MACHINES,
    *LOCKED,
    TRANSACT_WRITE,
    TABLE_COPY,
    QUERY,
    NEW_ITEM,
    MODULES,
    NEW_MODEL,
    BUCKET_PERMISSION,
    DYNAMODB,
    SERIALIZE_STRUCTURE,
    PARSE_UPDATE,
    WALK_UPDATE,
    COPY_UPDATE,
    SPLIT_CONDITION,
    ATTRIBUTE_SIZE,
    ATTRIBUTE_COPY,
    JSON_PATH,
    ENGINE_CLIENTS,
    PARSE,
    RETRY_KEY,
    WAIT,
    WAIT_UNTIL,
    RETRY_SLEEP,
    START_EXECUTION,
    EXECUTION_START,
    EXECUTION_END,
    EXECUTION_STOP,
    ENGINE_THREADS,
    RULE_TARGETS,
    MAP_WORKER,
)


def check_seams(seams: Iterable[Seam] = SEAMS) -> None:
    """Raise `SeamMismatchError` with each seam that is missing or has other parameters than expected."""
    found = importlib.metadata.version("moto")
    problems = (
        [] if found == MOTO_VERSION else [f"moto: expected version {MOTO_VERSION}, found {found}; run make setup"]
    )
    problems += [problem for seam in seams if (problem := _mismatch(seam))]
    if problems:
        raise SeamMismatchError("\n".join(problems))


def _mismatch(seam: Seam) -> str | None:
    label = f"moto seam {seam.module}:{seam.name}"
    try:
        original = seam.original
    except (ImportError, AttributeError):
        return f"{label}: expected to exist, found nothing; moto {MOTO_VERSION} is required"
    if seam.parameters is None:
        return None
    if not callable(original):
        return f"{label}: expected a function, found {type(original).__name__}; moto {MOTO_VERSION} is required"
    parameters = tuple(inspect.signature(original).parameters)
    if parameters != seam.parameters:
        expected, seen = ", ".join(seam.parameters), ", ".join(parameters)
        return f"{label}: expected the parameters ({expected}), found ({seen}); moto {MOTO_VERSION} is required"
    return None
