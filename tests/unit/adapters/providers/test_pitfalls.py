"""What users of these providers ran into, a test each where no other file has it.

Text that is no hex: test_text_decoder.py and test_minimax.py. `status 1`: test_minimax.py. Options that would be
ignored: test_model_limits.py. Links to private places: test_links.py and test_http_audio_links.py. Keys and signatures
in logs: test_log_redaction.py.
"""

import ast
import json
from pathlib import Path

import pytest
import yaml

from fermata.adapters.providers import load_provider
from fermata.domain.catalogue.models import read_catalogue
from fermata.domain.jobs.next_step import StepKind
from fermata.domain.providers.calls import Refused
from fermata.use_cases.generation.follow.poll_generation import poll_generation
from fermata.wiring.generation import poll_ports
from tests.fakes.providers.provider_keys import KEY
from tests.fakes.providers.upstream import FakeUpstream
from tests.fakes.world import World
from tests.fixtures.http_answers import answer_with
from tests.functions import ROOT
from tests.songs import JOB_ID, generating_job, json_answer

PACKAGE = ROOT / "layers" / "fermata" / "fermata"


class _Template(yaml.SafeLoader):
    """Reads a template's values and takes its functions for plain ones."""


_Template.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


def test_a_paid_call_may_stay_silent_for_ten_minutes_before_it_is_given_up() -> None:
    parameters = yaml.load((ROOT / "template.yaml").read_text("utf-8"), _Template)["Parameters"]  # noqa: S506 - safe
    assert parameters["ReadGapSeconds"]["Default"] >= 600


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.name)
def test_no_model_id_stands_in_code_where_its_removal_would_need_a_release(path: Path) -> None:
    names = {model.id for model in read_catalogue().models}
    literals = {
        node.value for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }  # fmt: skip
    assert not literals & names


@pytest.mark.parametrize("code", [2044, 2061, 2153])
def test_a_plan_that_does_not_include_the_model_is_explained_in_the_message(code: int) -> None:
    said = "your current token plan not support model"
    body = json.dumps({"base_resp": {"status_code": code, "status_msg": said}}).encode()
    outcome = load_provider("minimax").read_start(answer_with(body))
    assert isinstance(outcome, Refused)
    assert outcome.failure.failure_class == "not_entitled"
    assert said in outcome.failure.message
    assert outcome.failure.message.endswith("choose another model")


def test_a_task_is_polled_with_the_key_that_ordered_it_after_the_key_was_rotated() -> None:
    world = World(upstream=FakeUpstream(json_answer({"status": "generating"})))
    world.jobs.create(generating_job())
    world.keys.keys = {"aimlapi": {"2026-12": "sk-the-new-one", "default": KEY}}
    assert poll_generation(JOB_ID, 1, poll_ports()).kind is StepKind.GENERATING
    assert [sent.key for sent in world.upstream.sent] == [KEY]


def test_a_task_that_another_key_cannot_see_is_not_given_up_at_once() -> None:
    world = World(upstream=FakeUpstream(json_answer({"message": "not found", "statusCode": 404}, 404)))
    world.jobs.create(generating_job())
    assert poll_generation(JOB_ID, 1, poll_ports()).kind is StepKind.GENERATING
