"""A slow first run and two resumes beside it, each overtaken at every call that it makes to a store."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest

from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.next_step import StepKind
from fermata.use_cases.generation.finish.resume_generation import resume_generation
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.wiring.generation import resume_ports, start_ports
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import World
from tests.scenario.seams import Seams
from tests.songs import JOB_ID, hex_answer, json_answer, queued_job

SHAPES = [
    pytest.param("minimax", hex_answer(b"ID3" + bytes(50)), StepKind.READY, AttemptState.READY, id="blocking"),
    pytest.param(
        "aimlapi",
        json_answer({"id": "task:1", "status": "queued"}, 201),
        StepKind.GENERATING,
        AttemptState.GENERATING,
        id="task",
    ),
]


class Race:
    """One job whose first run, and whose first resume, may be overtaken at a place."""

    def __init__(self, provider: str, answer: ScriptedAnswer) -> None:
        self.seams = Seams()
        self.world = World(upstream=FakeUpstream(answer))
        self.world.jobs.create(queued_job(provider))
        around: Any = self.seams.around
        for name in ("jobs", "answers", "upstream"):
            setattr(self.world, name, cast("Any", around(getattr(self.world, name))))
        self.verdicts: list[StepKind] = []

    def first_run(self) -> StepKind:
        return start_generation(JOB_ID, start_ports(self.world.remaining_ms), "run-1").kind

    def resume(self) -> None:
        self.verdicts.append(resume_generation(JOB_ID, resume_ports(), self.world.clock()).kind)

    def until_just_before_the_claim_ends(self) -> None:
        attempt = self.world.stored(JOB_ID).last_attempt
        if attempt is not None:
            self.world.clock.now = attempt.claim_until - timedelta(milliseconds=1)

    def two_resumes(self, second_at: int) -> None:
        self.until_just_before_the_claim_ends()
        self.seams.arm(second_at, self.resume)
        self.resume()


def places_of(run: Callable[[Race], object], race: Race) -> int:
    before = race.seams.calls
    run(race)
    return race.seams.calls - before


@pytest.mark.parametrize(("provider", "answer", "word", "state"), SHAPES)
def test_two_resumes_that_race_a_slow_first_run_declare_nothing_unknown_before_its_claim_ends(
    provider: str, answer: ScriptedAnswer, word: StepKind, state: AttemptState
) -> None:
    alone = Race(provider, answer)
    places, places_of_a_resume = places_of(Race.first_run, alone), places_of(Race.resume, alone)
    alone.world.leave()
    # While the first run is at it, a resume makes more calls than after it.
    for first_at in range(places):
        for second_at in range(places_of_a_resume + 6):
            race = Race(provider, answer)
            race.seams.arm(first_at, lambda race=race, at=second_at: race.two_resumes(at))  # type: ignore[misc]
            assert race.first_run() is word, (first_at, second_at)

            (attempt,) = race.world.stored(JOB_ID).attempts
            assert (attempt.state, attempt.failure, attempt.late) == (state, None, False), (first_at, second_at)
            race.world.leave()
            assert race.world.upstream.posts == 1
            assert set(race.verdicts) <= {StepKind.RETRY_LATER, StepKind.IN_FLIGHT, word}, (first_at, second_at)
