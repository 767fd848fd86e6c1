"""Keys: what is kept cannot give a key back, what was taken away stops working, and damage is named."""

import hashlib
import json
import stat

import pytest

from groundup.errors import FormatError, InputError
from groundup.serving.limits import keys
from groundup.serving.limits.keys import KeyFile, add_key, read_keys, remove_key


class Clock:
    """Seconds that a test sets."""

    def __init__(self, now_s=1000.0):
        self.now_s = now_s

    def __call__(self):
        return self.now_s


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.json"


def test_a_key_is_found_by_its_text_and_by_no_other(path):
    anna, bob = add_key(path, "anna"), add_key(path, "bob", weight=2.0, tokens_per_day=50)
    found = KeyFile(path)
    assert found.find(anna).name == "anna" and found.find(bob).name == "bob" and found.find(bob).weight == 2.0
    id = anna.split("-")[1]
    for wrong in (
        "",
        "gu-",
        "gu--",
        anna[:-1],
        anna + "x",
        bob.replace(bob.split("-")[1], id),
        "sk-" + anna,
        "\ud800",
        "gu-é-é",
    ):
        assert found.find(wrong) is None


def test_the_file_holds_the_hash_and_only_its_owner_reads_it(path):
    text = add_key(path, "anna")
    kept = path.read_text()
    assert text not in kept and text.split("-", 2)[2] not in kept
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    entry = json.loads(kept)["keys"][0]
    salted = hashlib.blake2b(text.encode(), salt=bytes.fromhex(entry["salt"]), digest_size=32).hexdigest()
    assert entry["hash"] == salted and "requests_per_minute" not in entry


def test_equal_salts_are_never_given_and_a_name_once(path):
    for number in range(20):
        add_key(path, f"user {number}")
    found = read_keys(path)
    assert len({key.salt for key in found.values()}) == 20
    with pytest.raises(InputError, match="has a key named 'user 3' already; choose another name"):
        add_key(path, "user 3")


def test_a_key_that_is_taken_away_stops_working_while_the_server_runs(path):
    clock = Clock()
    anna, bob = add_key(path, "anna"), add_key(path, "bob")
    found = KeyFile(path, clock=clock)
    remove_key(path, "anna")
    clock.now_s += 2
    assert found.find(anna) is None and found.find(bob).name == "bob"
    cecil = add_key(path, "cecil")
    clock.now_s += 2
    assert found.find(cecil).name == "cecil"
    with pytest.raises(InputError, match="no key named 'bib'; did you mean 'bob'"):
        remove_key(path, "bib")


def test_a_file_that_is_damaged_meanwhile_is_reported_and_the_keys_stay(path, capsys):
    clock = Clock()
    anna = add_key(path, "anna")
    found = KeyFile(path, clock=clock)
    path.write_text("{")
    clock.now_s += 2
    assert found.find(anna).name == "anna"
    clock.now_s += 2
    assert found.find(anna).name == "anna"
    said = capsys.readouterr().err
    assert said.count("the keys of before stay") == 1 and anna not in said


def test_a_key_expires(path):
    clock = Clock(1000.0)
    text = add_key(path, "guest", expires_s=1500.0)
    found = KeyFile(path, clock=clock)
    assert found.find(text).name == "guest"
    clock.now_s = 1500.0
    assert found.find(text) is None


def test_keys_given_as_text_are_known_by_their_hash():
    found = KeyFile.of({"anna": "a-secret-of-anna-1", "bob": "a-secret-of-bob-12"})
    assert found.find("a-secret-of-bob-12").name == "bob" and found.find("a-secret-of-bob-13") is None
    assert "a-secret" not in repr(vars(found))
    with pytest.raises(InputError, match="has 5 characters and could be guessed; use 16 or more"):
        KeyFile.of({"anna": "short"})


def test_every_candidate_is_compared_in_constant_time(path, monkeypatch):
    compared = []
    monkeypatch.setattr(keys.hmac, "compare_digest", lambda one, other: compared.append(one) or one == other)
    anna = add_key(path, "anna")
    assert KeyFile(path).find(anna).name == "anna"
    assert KeyFile(path).find(anna[:-1] + ("A" if anna[-1] != "A" else "B")) is None
    assert len(compared) == 2


@pytest.mark.parametrize(
    "content, words",
    [
        ("[]", "holds no keys; it should be"),
        ('{"keys": [1]}', "key 1 is no object"),
        ('{"keys": [{"name": "a", "naem": "b"}]}', "key 1 has a field 'naem'; did you mean 'name'"),
        ('{"keys": [{"name": "a"}]}', "key 1 has no id"),
        ('{"keys": [{"name": "a", "id": "1", "salt": "zz", "hash": "00"}]}', "damaged; make the key again"),
        ('{"keys": [{"name": "", "id": "1", "salt": "00", "hash": "00"}]}', "1 to 64 printable"),
    ],
)
def test_a_file_that_cannot_be_is_named(path, content, words):
    path.write_text(content)
    with pytest.raises(FormatError, match=words):
        KeyFile(path)


def test_two_lines_of_one_name_and_numbers_that_cannot_be_are_named(path):
    add_key(path, "anna")
    kept = json.loads(path.read_text())
    for change, words in (
        ({"id": "2"}, "has the name or id of another key"),
        ({"id": "2", "name": "b", "tokens_per_day": -1}, "tokens_per_day=-1"),
        ({"id": "2", "name": "b", "weight": 0}, "a weight above 0"),
        ({"id": "2", "name": "b", "weight": "2"}, "weight='2'"),
    ):
        path.write_text(json.dumps({"keys": [kept["keys"][0], kept["keys"][0] | change]}))
        with pytest.raises(FormatError, match=words):
            KeyFile(path)
    with pytest.raises(InputError, match="is not there"):
        KeyFile(path.with_name("none.json"))
