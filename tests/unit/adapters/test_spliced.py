"""A file that is put together from parts reads like one that was written."""

import io

from hypothesis import given
from hypothesis import strategies as st

from fermata.adapters.spliced import SplicedFile
from fermata.domain.audio.marks import Part, Span, bytes_of

SOURCE = bytes(range(256)) * 2

PARTS = st.lists(
    st.one_of(st.binary(max_size=20), st.builds(Span, st.integers(0, 400), st.integers(0, 112))), max_size=6
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(-1, 300)),
        st.tuples(st.just("seek"), st.integers(0, 700)),
        st.tuples(st.just("back"), st.integers(-50, 50)),
        st.tuples(st.just("end"), st.integers(-700, 10)),
    ),
    max_size=12,
)


def written(parts: list[Part]) -> bytes:
    return b"".join(SOURCE[part.at : part.at + part.length] if isinstance(part, Span) else part for part in parts)


@given(parts=PARTS, steps=STEPS)
def test_a_spliced_file_reads_as_the_written_one(parts: list[Part], steps: list[tuple[str, int]]) -> None:
    plain, spliced = io.BytesIO(written(parts)), SplicedFile(io.BytesIO(SOURCE), parts)
    assert spliced.size == len(plain.getvalue()) == bytes_of(parts)
    for step, number in steps:
        if step == "read":
            assert spliced.read(number) == plain.read(number)
        else:
            if step == "seek":
                to = (number, io.SEEK_SET)
            else:
                to = (number, io.SEEK_CUR) if step == "back" else (max(number, -spliced.size), io.SEEK_END)
            if to[1] == io.SEEK_CUR and plain.tell() + number < 0:
                continue
            assert spliced.seek(*to) == plain.seek(*to)
        assert spliced.tell() == plain.tell()


def test_a_source_that_lost_its_end_does_not_hang() -> None:
    spliced = SplicedFile(io.BytesIO(SOURCE[:10]), [b"head", Span(0, 100), b"tail"])
    assert spliced.read() == b"head" + SOURCE[:10]
