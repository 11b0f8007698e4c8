"""What keeps a stream from being paid twice, and its listeners from touching the purchase."""

from typing import Final

from tooling.mutants.mutant import FERMATA, Mutant

_BODY: Final = f"{FERMATA}/adapters/providers/minimax_body.py"
_CALLS: Final = f"{FERMATA}/domain/providers/calls.py"
_PUBLISH: Final = f"{FERMATA}/use_cases/live/publish_pieces.py"
_LIVE: Final = "tests/unit/use_cases/live/test_publish_pieces.py"

STREAMS: Final = (
    Mutant(
        "streams: one without its last event is a song",
        _BODY,
        "if stream.last is None:",
        "if stream.last is None and False:",
        (
            "tests/unit/use_cases/generation/purchase/test_purchase.py::test_a_stream_without_a_song_may_have_been_billed_and_what_came_is_kept",
        ),
    ),
    Mutant(
        "streams: a refusal behind audio counts as unpaid",
        _BODY,
        "return Refused(refused.failure.of_an_accepted_order()) if stream.has_audio else refused",
        "return refused",
        ("tests/unit/adapters/providers/test_kept_answers.py::test_a_kept_answer_means",),
    ),
    Mutant(
        "streams: a last event that repeats the song is added to it",
        _CALLS,
        "self.last_length >= self.text_length",
        "self.last_length > 2 * self.text_length",
        (
            "tests/unit/adapters/providers/test_minimax_stream.py::test_the_song_of_a_stream_is_the_song_of_the_plain_answer",
        ),
    ),
    Mutant(
        "streams: the characters that a stream counts are left out",
        f"{FERMATA}/domain/jobs/attempt.py",
        "isinstance(outcome, AudioAt | AudioInAnswer | AudioInEvents | TaskStarted)",
        "isinstance(outcome, AudioAt | AudioInAnswer | TaskStarted)",
        (
            "tests/unit/use_cases/generation/purchase/test_metered_costs.py::test_the_characters_that_a_stream_counts_correct_cost_and_budget",
        ),
    ),
    Mutant(
        "streams: the event that tells is the latest one",
        f"{FERMATA}/domain/providers/event_facts.py",
        "is_behind_the_last = facts.last is not None and not ends and not fails",
        "is_behind_the_last = False",
        ("tests/unit/adapters/providers/test_kept_answers.py::test_a_kept_answer_means",),
    ),
    Mutant(
        "streams: the queue to the listeners grows without end",
        _PUBLISH,
        "self._waiting_bytes + len(chunk) > LONGEST_QUEUE_BYTES",
        "self._waiting_bytes + len(chunk) < 0",
        (f"{_LIVE}::test_a_dropped_chunk_ends_what_is_heard_and_not_with_an_end",),
    ),
    Mutant(
        "streams: a broken publisher breaks the purchase",
        _PUBLISH,
        "        except Exception:  # noqa: BLE001 - whatever it is, the song is paid for and goes on",
        "        except KeyError:",
        (f"{_LIVE}::test_trouble_with_the_pieces_leaves_the_same_purchase",),
    ),
)
