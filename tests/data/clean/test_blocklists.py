"""Sites are blocked with what is below them and nothing beside; mojibake is repaired and right text left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.data.clean.blocklists import Blocklist, blocking_entry, read_blocklist, repair
from groundup.errors import InputError

LIST = """# hosts
0.0.0.0 ads.example
127.0.0.1 localhost
||tracker.example^$third-party
*.wild.example
bad.example   # with a reason
! a comment of another kind
https://part.example/private/
part.example/page?id=3
bücher.example
"""


@pytest.fixture
def blocked(tmp_path):
    (tmp_path / "a.txt").write_text(LIST, encoding="utf-8-sig")
    return read_blocklist(tmp_path)


@pytest.mark.parametrize(
    "address",
    [
        "http://ads.example", "https://www.ads.example/x", "//tracker.example:8080/a", "deep.sub.bad.example", "HTTP://BAD.EXAMPLE./",
        "x.wild.example", "wild.example", "part.example/private", "http://part.example/private/x", "http://part.example/page?id=3",
        "http://xn--bcher-kva.example/", "http://bücher.example/a", "http://user:pass@bad.example/",
        "http://part.example/%70rivate/x",
    ],
)  # fmt: skip
def test_what_is_on_a_list_is_blocked(blocked, address):
    assert blocked.judge(address).reason.startswith("on the block list a.txt: ")


@pytest.mark.parametrize(
    "address",
    ["http://good.example/bad.example", "notbad.example", "bad.example.com", "part.example/", "part.example/privately",
     "part.example/page?id=33", "part.example/page", "localhost", "", "http://", "http://[broken", "http://?#"],
)  # fmt: skip
def test_what_stands_beside_is_not(blocked, address):
    assert blocked.judge(address) is None


def test_a_wrong_entry_is_named_with_its_line(tmp_path, blocked):
    assert len(blocked) == 7
    (tmp_path / "b.txt").write_text("fine.example\nhttp://\n")
    with pytest.raises(InputError, match=r"b\.txt, line 2: 'http://' is no domain"):
        read_blocklist(tmp_path / "b.txt")
    with pytest.raises(InputError, match="is not there"):
        read_blocklist(tmp_path / "none")
    assert Blocklist().judge("a.example") is None


def test_an_entry_for_a_site_above_counts_where_none_of_the_sites_own_fits():
    entries = {"a.part.example": [("/own", "one")], "part.example": [("/private", "two")]}
    assert blocking_entry("a.part.example", "/private/x", entries) == ("part.example/private", "two")
    assert blocking_entry("a.part.example", "/own?q", entries) == ("a.part.example/own", "one")


RIGHT = [
    "naïve café",
    "« CAFÉ »",
    "NÃO é não",
    "Ã",
    "20 °C",
    "Ça va — “yes” – it’s…",
    "日本語",
    "Ø Å Æ",
    "plain",
    "",
    "à ©",
    "«É»",
    "🙂 é",
]


@pytest.mark.parametrize("text", RIGHT)
def test_right_text_is_left_alone(text):
    assert repair(text) == (text, 0)


@pytest.mark.parametrize("text", [text for text in RIGHT if not text.isascii()])
@pytest.mark.parametrize("times", [1, 2])
def test_damage_is_undone(text, times):
    damaged = text
    for _ in range(times):
        damaged = damaged.encode().decode("cp1252", "replace")
    if "\ufffd" in damaged:
        damaged = "".join(
            chr(byte) if byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else bytes([byte]).decode("cp1252")
            for byte in text.encode()
        )
    assert repair(f"one line\n{damaged}\r\nother") == (f"one line\n{text}\r\nother", 1)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back_from_damage(text):
    damaged = "".join(
        chr(byte) if byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else bytes([byte]).decode("cp1252")
        for byte in text.encode()
    )
    assert repair(damaged)[0] == repair(text)[0]


def test_ftfy_agrees():
    ftfy = pytest.importorskip("ftfy")
    for text in ("cafÃ©", "itâ€™s", "Ã¼ber"):
        assert repair(text)[0] == ftfy.fix_encoding(text)
