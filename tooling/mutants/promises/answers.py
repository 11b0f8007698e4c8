"""How a paid answer is staged: taken apart while it arrives, rebuilt byte for byte, or kept as it was sent."""

from typing import Final

from tooling.mutants.mutant import FERMATA, Mutant

_RECEIVE: Final = f"{FERMATA}/use_cases/generation/purchase/receive_answer.py"
_PARTS: Final = f"{FERMATA}/domain/audio/answer_parts.py"
_RECEIVING: Final = "tests/unit/use_cases/generation/purchase/test_receive_answer.py"
_PARTING: Final = "tests/unit/domain/audio/test_answer_parts.py"

ANSWERS: Final = (
    Mutant(
        "answers: a song that cannot be staged as one is not staged at all",
        _RECEIVE,
        "if not (is_song and has_time and _keep_song(received, claimed, ports)):",
        "if not is_song or (has_time and _keep_song(received, claimed, ports) is None):",
        (f"{_RECEIVING}::test_a_song_that_cannot_be_measured_is_staged_as_it_was_sent",),
    ),
    Mutant(
        "answers: a run that is about to end measures first",
        _RECEIVE,
        "has_time = remaining_s() >= _MEASURED_WITHIN_S",
        "has_time = True",
        (f"{_RECEIVING}::test_a_run_without_time_to_measure_stages_the_answer_as_it_was_sent",),
    ),
    Mutant(
        "answers: what does not come apart loses its piece",
        _RECEIVE,
        "self._rest = chain((chunk,), self._read_on(chunks))",
        "self._rest = self._read_on(chunks)",
        (f"{_RECEIVING}::test_a_song_in_another_spelling_is_staged_as_it_was_sent_and_stored_all_the_same",),
    ),
    Mutant(
        "answers: one that was cut is taken for whole",
        _RECEIVE,
        "self._rest = _failing(error)",
        "self._rest = iter(())",
        (f"{_RECEIVING}::test_an_answer_cut_at_any_offset_is_kept_up_to_there_and_is_no_answer",),
    ),
    Mutant(
        "answers: hex of both cases is taken apart",
        _PARTS,
        "            if lower and upper:\n                return None\n",
        "",
        (f"{_PARTING}::test_what_hex_of_one_case_cannot_say_is_not_taken_apart",),
    ),
    Mutant(
        "answers: a later piece of another case is taken apart",
        _PARTS,
        "return None if other.is_in(digits) else known",
        "return known",
        (f"{_PARTING}::test_what_hex_of_one_case_cannot_say_is_not_taken_apart",),
    ),
    Mutant(
        "answers: capitals come back small",
        _PARTS,
        "yield text.upper() if self.is_upper else text",
        "yield text",
        (f"{_PARTING}::test_a_song_in_hex_is_taken_apart_at_every_offset",),
    ),
    Mutant(
        "answers: a digit without its other half is dropped",
        _PARTS,
        "if not self.song_bytes or parts.half:",
        "if not self.song_bytes:",
        (f"{_PARTING}::test_an_answer_that_ends_within_a_byte_of_its_song_is_no_whole_song",),
    ),
    Mutant(
        "answers: any amount around a song is held",
        _PARTS,
        "if case is None or len(before) + len(after) > MOST_AROUND:",
        "if case is None:",
        (f"{_PARTING}::test_an_answer_with_more_around_its_song_than_may_be_held_is_not_taken_apart",),
    ),
    Mutant(
        "answers: a song is staged with more than S3 notes on it",
        f"{FERMATA}/adapters/s3/song_metadata.py",
        "return {SONG: value} if len(value) <= _MOST_BYTES else None",
        "return {SONG: value}",
        (
            "tests/unit/adapters/s3/test_answer_store.py::test_a_song_is_staged_in_one_request_with_all_that_s3_lets_be_noted_on_it",
        ),
    ),
)
