"""A song is saved under its title, safely for every file system, and exactly where the title allows."""

from urllib.parse import unquote

import pytest

from fermata.domain.web.download_name import attachment


def named(title: str) -> tuple[str, str | None]:
    """The plain and the exact name that a browser reads, None where there is no exact one."""
    plain, _, exact = attachment(title, "job_1", "-1.mp3").removeprefix('attachment; filename="').partition('"')
    return plain, unquote(exact.removeprefix("; filename*=UTF-8''"), errors="strict") if exact else None


@pytest.mark.parametrize(
    ("title", "plain", "exact"),
    [
        ("Rain", "Rain-1.mp3", None),
        ("", "job_1-1.mp3", None),
        (" . ", "job_1-1.mp3", None),
        ("Rain & Thunder", "Rain _ Thunder-1.mp3", "Rain & Thunder-1.mp3"),
        ("雨", "job_1-1.mp3", "雨-1.mp3"),
        ("Träumerei", "Tr_umerei-1.mp3", "Träumerei-1.mp3"),
        ("It's 100% \U0001f3b5", "It_s 100-1.mp3", "It's 100% \U0001f3b5-1.mp3"),
        ('"; filename="x', "filename_x-1.mp3", "; filename=_x-1.mp3"),
        ("../../etc/passwd", "etc_passwd-1.mp3", "etc_passwd-1.mp3"),
        ("\r\nSet-Cookie: a", "Set-Cookie_ a-1.mp3", "Set-Cookie_ a-1.mp3"),
        ("a\u202e3pm", "a_3pm-1.mp3", None),
        ("a\u2028b", "a_b-1.mp3", None),
        ("a\ud800b", "a_b-1.mp3", None),
    ],
)
def test_a_file_is_named_after_the_title(title: str, plain: str, exact: str | None) -> None:
    assert named(title) == (plain, None if exact == plain else exact)


@pytest.mark.parametrize("title", ["a" * 5000, "雨" * 5000])
def test_a_name_is_short_enough_for_a_link_and_a_disk(title: str) -> None:
    assert len(attachment(title, "job_1", "-1.mp3")) < 900
    assert len(named(title)[1] or named(title)[0]) <= 87


@pytest.mark.parametrize("title", ["雨 \U0001f3b5", '";\r\n\x00', "a'b%c"])
def test_a_header_is_one_line_of_ascii(title: str) -> None:
    header = attachment(title, "job_1", "-1.mp3")
    assert header.isascii()
    assert header.isprintable()
