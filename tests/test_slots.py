"""Slots: free when unused, the learner's function when filled, one clear sentence when the learner's file is wrong."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from groundup import slots
from groundup.errors import InputError

SOURCE = str(Path(slots.__file__).parents[1])

ROOM = '''
from groundup.slots import slot

@slot
def double(x):
    """Twice x."""
    return x * 2

@slot
def triple(x):
    """Three times x."""
    return x * 3

def plain(x):
    return x
'''
OTHER = '''
from groundup.slots import slot

@slot
def triple(x):
    """Another of the same name."""
    return x + 3
'''


class House:
    """A small library of two rooms, and a learner's folder."""

    def __init__(self, root: Path):
        self.root, self.mine = root / "house", root / "my"
        self.write("arithmetic/simple/products.py", ROOM)
        self.mine.mkdir()

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def learn(self, path: str, text: str) -> Path:
        file = self.mine / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
        return file

    def enter(self, path: str = "arithmetic/simple/products.py") -> dict:
        """Import a room's file."""
        names = {"__name__": ".".join(["groundup", *Path(path).with_suffix("").parts])}
        exec(compile((self.root / path).read_text(), path, "exec"), names)
        return names


@pytest.fixture
def house(tmp_path, monkeypatch):
    for name in ("registry", "_mine", "_functions", "_modules", "_sources"):
        monkeypatch.setattr(slots, name, {})
    monkeypatch.setattr(slots, "HOUSE", tmp_path / "house")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv(slots.VARIABLE, "")
    return House(tmp_path)


def test_an_unused_slot_is_the_function_itself(house):
    def double(x):
        return x * 2

    double.__module__ = "groundup.arithmetic.simple.products"
    assert slots.slot(double) is double
    assert slots.registry == {"arithmetic.simple.double": double}
    assert not slots.filled("arithmetic.simple.double")
    assert slots.source_hash() == ""


def test_a_learners_function_of_the_same_name_takes_the_place(house):
    file = house.learn("anything.py", "\ndef double(x):\n    return ('mine', x)\n")
    slots.use(house.mine)
    room = house.enter()
    assert room["double"](2) == ("mine", 2)
    assert room["double"](x=3) == ("mine", 3)
    assert room["triple"](2) == 6
    (found,) = slots.active()
    assert (found.id, found.file, found.line, found.calls) == ("arithmetic.simple.double", file, 2, 2)
    assert found.seconds > 0
    assert slots.filled("arithmetic.simple.double") and not slots.filled("arithmetic.simple.triple")


def test_the_filled_slot_keeps_the_references_name_and_docstring(house):
    house.learn("a.py", "def double(x):\n    return x\n")
    slots.use(house.mine)
    assert house.enter()["double"].__doc__ == "Twice x."


def test_the_learners_file_runs_at_the_first_call_only(house):
    house.learn(
        "a.py", "import os\nos.environ['RAN'] = os.environ.get('RAN', '') + 'x'\ndef double(x):\n    return x\n"
    )
    os.environ.pop("RAN", None)
    slots.use(house.mine)
    room = house.enter()
    assert "RAN" not in os.environ
    room["double"](1), room["double"](1)
    assert os.environ.pop("RAN") == "x"


def test_what_runs_is_what_was_read_even_when_the_file_is_edited_meanwhile(house):
    file = house.learn("a.py", "def double(x):\n    return 'first'\n")
    slots.use(house.mine)
    before = slots.source_hash()
    file.write_text("def double(x):\n    return 'second'\n")
    assert house.enter()["double"](1) == "first"
    assert slots.source_hash() == before


def test_the_speed_against_the_reference_is_measured_on_copies(house):
    house.learn("a.py", "import time\ndef double(x):\n    time.sleep(0.002)\n    x *= 2\n    return x\n")
    slots.use(house.mine)
    room, array = house.enter(), np.ones(3)
    room["double"](array)
    assert array.tolist() == [2, 2, 2]  # in place once, by the real call
    assert slots.active()[0].calls == 1
    assert slots.active()[0].speed_ratio > 1


def test_a_slow_function_is_warned_about_with_the_forecast(house, capsys):
    house.learn("a.py", "import time\ndef double(x):\n    time.sleep(0.02)\n    return x * 2\n")
    slots.use(house.mine)
    house.enter()["double"](1)
    assert slots.active()[0].speed_ratio > slots.SLOW
    said = capsys.readouterr().err
    assert "your double takes" in said and "every 1,000 calls" in said


def test_a_reference_that_cannot_be_called_again_is_left_unmeasured(house):
    house.learn("a.py", "def double(x):\n    return list(x)\n")
    slots.use(house.mine)
    assert house.enter()["double"](i for i in range(3)) == [0, 1, 2]
    assert slots.active()[0].speed_ratio is None


def test_the_comparison_leaves_random_state_as_one_call_would(house):
    house.write(
        "arithmetic/simple/products.py", ROOM.replace("return x * 2", "import numpy; return numpy.random.rand()")
    )
    house.learn("a.py", "import numpy\ndef double(x):\n    return numpy.random.rand()\n")
    slots.use(house.mine)
    room = house.enter()
    np.random.seed(5)
    expected = [np.random.rand(), np.random.rand()]
    np.random.seed(5)
    assert [room["double"](1), np.random.rand()] == expected


def test_copies_of_tensors_and_generators_share_nothing():
    torch = pytest.importorskip("torch")
    weight = torch.ones(2, requires_grad=True)
    hidden = weight * 3
    generator = torch.Generator().manual_seed(1)
    copy, (inner,), chance = slots.copied((hidden, [weight], generator))
    assert copy.requires_grad and copy.is_leaf and torch.equal(copy, hidden)
    assert inner is not weight and inner.grad is None
    weight.grad = torch.full((2,), 5.0)
    (again,) = slots.copied([weight])
    again.grad.zero_()
    assert weight.grad.tolist() == [5, 5]
    torch.rand(1, generator=chance)
    assert torch.equal(generator.get_state(), torch.Generator().manual_seed(1).get_state())


def test_an_exception_of_the_learners_is_one_sentence_with_file_and_line(house):
    file = house.learn("a.py", "def helper(x):\n    return x[0]\n\ndef double(x):\n    return helper(x)\n")
    slots.use(house.mine)
    with pytest.raises(InputError) as error:
        house.enter()["double"](1)
    assert str(error.value).startswith(f"{file}:2: your double raised TypeError:")
    assert "\n" not in str(error.value)


def test_a_wrong_number_of_arguments_points_to_the_functions_line(house):
    file = house.learn("a.py", "\n\ndef double():\n    return 1\n")
    slots.use(house.mine)
    with pytest.raises(InputError, match=f"{file}:3: your double raised TypeError"):
        house.enter()["double"](1)


def test_a_file_that_fails_when_it_runs_is_named_with_its_line(house):
    file = house.learn("a.py", "def double(x):\n    return x\n\nimport no_such_package_at_all\n")
    slots.use(house.mine)
    with pytest.raises(InputError, match=f"{file}:4: your file raised ModuleNotFoundError"):
        house.enter()["double"](1)


def test_a_syntax_error_is_named_with_its_line_before_anything_runs(house):
    file = house.learn("a.py", "def double(x):\n    return x\n\nif True\n")
    with pytest.raises(InputError, match=f"{file}:4: expected ':'; mend the line"):
        slots.use(house.mine)


def test_a_name_that_the_file_takes_away_again_is_said(house):
    house.learn("a.py", "def double(x):\n    return x\ndouble = 3\n")
    slots.use(house.mine)
    with pytest.raises(InputError, match="double is no function any more"):
        house.enter()["double"](1)


def test_a_file_that_is_not_text_is_refused(house):
    (house.mine / "a.py").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="save it as UTF-8"):
        slots.use(house.mine)


def test_a_missing_folder_is_refused(house, tmp_path):
    with pytest.raises(InputError, match="is not a folder"):
        slots.use(tmp_path / "nowhere")


def test_other_functions_in_the_folder_are_fine_but_none_at_all_is_not(house):
    house.learn("a.py", "def something_else(x):\n    return x\n")
    with pytest.raises(
        InputError, match="no function named like a slot; name one of yours after one of: double, triple"
    ):
        slots.use(house.mine)
    house.learn("b.py", "def double(x):\n    return x\n")
    assert [filled.id for filled in slots.use(house.mine)] == ["arithmetic.simple.double"]


def test_a_misspelt_name_is_answered_with_the_nearest(house):
    house.learn("a.py", "def doubel(x):\n    return x\n")
    with pytest.raises(InputError, match="rename your doubel to double"):
        slots.use(house.mine)


def test_methods_and_inner_functions_fill_nothing(house):
    house.learn("a.py", "class A:\n    def double(self):\n        pass\ndef triple(x):\n    def double(y): pass\n")
    assert [filled.id for filled in slots.use(house.mine)] == ["arithmetic.simple.triple"]


def test_hidden_folders_are_not_the_learners(house):
    house.learn(".venv/lib/a.py", "def double(x):\n    return x\n")
    house.learn("b.py", "def triple(x):\n    return x\n")
    assert [filled.id for filled in slots.use(house.mine)] == ["arithmetic.simple.triple"]


def test_a_name_of_several_slots_needs_the_mirrored_path(house):
    house.write("sums/other.py", OTHER)
    house.learn("a.py", "def triple(x):\n    return x\n")
    with pytest.raises(
        InputError,
        match="several slots are named triple; put yours into arithmetic/simple/products.py or sums/other.py",
    ):
        slots.use(house.mine)
    (house.mine / "a.py").unlink()
    house.learn("sums/other.py", "def triple(x):\n    return 'mine'\n")
    slots.use(house.mine)
    assert house.enter("sums/other.py")["triple"](1) == "mine"
    assert house.enter()["triple"](1) == 3


def test_a_slot_filled_twice_is_refused(house):
    house.learn("a.py", "def double(x):\n    return x\n")
    house.learn("b.py", "def double(x):\n    return x\n")
    with pytest.raises(InputError, match="filled twice"):
        slots.use(house.mine)


def test_use_refuses_after_the_room_was_imported(house):
    house.learn("a.py", "def double(x):\n    return x\n")
    house.enter()
    with pytest.raises(
        InputError, match=r"arithmetic.simple.double was imported before groundup.use\(.*call it first of all"
    ):
        slots.use(house.mine)
    assert not slots.active()


def test_use_of_the_same_folder_again_is_fine_until_it_changed(house):
    house.learn("a.py", "def double(x):\n    return x\n")
    slots.use(house.mine)
    house.enter()["double"](1)
    assert slots.use(house.mine)[0].calls == 1
    house.learn("a.py", "def double(x):\n    return -x\n")
    with pytest.raises(InputError, match="start Python again"):
        slots.use(house.mine)


def test_the_source_hash_is_of_the_rooms_asked_for_and_of_what_the_file_imports(house):
    house.write("sums/other.py", OTHER.replace("triple", "plus"))
    house.learn("a.py", "from shared import number\ndef double(x):\n    return number * x\n")
    house.learn("b.py", "def plus(x):\n    return x\n")
    house.learn("shared.py", "number = 2\n")

    def hashes():
        sources = slots.read_sources(house.mine)
        slots._fill(slots.match(house.mine, sources), sources)
        return slots.source_hash(["arithmetic."]), slots.source_hash(["sums."]), slots.source_hash(["text."])

    first = hashes()
    assert house.enter()["double"](4) == 8
    house.learn("shared.py", "number = 3\n")
    second = hashes()
    assert first[0] != second[0] and first[1] == second[1] and first[2] == second[2] == ""
    house.learn("b.py", "def plus(x):\n    return x + 0\n")
    assert hashes()[0] == second[0] and hashes()[1] != second[1]


def test_the_folder_travels_to_child_processes(tmp_path):
    (tmp_path / "a.py").write_text("def top_p(logits, p):\n    return 'mine'\n")
    program = "import groundup.slots as s; print([f.id for f in s.active()])"
    use = f"import groundup, subprocess, sys; groundup.use({str(tmp_path)!r}); subprocess.run([sys.executable, '-c', {program!r}], check=True)"
    said = subprocess.run(
        [sys.executable, "-c", use], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": SOURCE}
    )
    assert said.stdout.strip() == "['inference.decoding.top_p']", said.stderr


def test_a_wrong_folder_in_the_environment_is_said_at_once(tmp_path):
    environment = os.environ | {"PYTHONPATH": SOURCE, slots.VARIABLE: str(tmp_path / "gone")}
    said = subprocess.run(
        [sys.executable, "-c", "import groundup.slots"], capture_output=True, text=True, env=environment
    )
    assert "is not a folder" in said.stderr


def test_every_slot_of_the_library_is_found_without_importing_a_room():
    program = (
        "import sys, groundup.slots as s; print(len(s.known_slots()), 'torch' in sys.modules, 'numba' in sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": SOURCE}
    )
    count, *heavy = said.stdout.split()
    assert int(count) >= 8 and heavy == ["False", "False"]


# ───────── the learner's results beside the reference's ─────────


def test_right_results_are_the_references_and_a_wrong_one_is_known_by_its_call(house):
    house.learn("a.py", "def double(x):\n    return x * 2\n\ndef triple(x):\n    return x * (3 if x[0] < 15 else 4)\n")
    slots.use(house.mine)
    room = house.enter()
    for number in range(70):
        room["double"](np.ones(3) * number)
        room["triple"](np.ones(3) * number)
    right, wrong = slots.active()
    assert (right.compared, right.difference, right.differs_at) == (4, 0.0, None)
    assert wrong.differs_at == 16 and wrong.difference == pytest.approx(1 / 3)


def test_a_function_inside_another_is_not_counted_while_the_outer_one_is_compared(house):
    house.write("arithmetic/simple/products.py", ROOM + "\n@slot\ndef apply(x, f):\n    return f(x)\n")
    house.learn("a.py", "def double(x):\n    return x * 2\n\ndef apply(x, f):\n    return f(x)\n")
    slots.use(house.mine)
    room = house.enter()
    assert room["apply"](np.ones(3), room["double"]).tolist() == [2, 2, 2]
    assert [one.calls for one in slots.active()] == [1, 1]


def test_an_argument_that_is_changed_otherwise_counts_as_a_difference(house):
    house.learn("a.py", "def double(x):\n    y = x * 2\n    x += 1\n    return y\n")
    slots.use(house.mine)
    house.enter()["double"](np.ones(3))
    assert slots.active()[0].differs_at == 1


@pytest.mark.parametrize(
    ("mine", "theirs", "same"),
    [
        (1.0, 1.0004, True),
        (1.0, 1.004, False),
        ([1, [2.0]], [1, [2.0]], True),
        ([1, 2], [1, 2, 3], False),
        ({"a": np.ones(2)}, {"a": np.zeros(2)}, False),
        (np.ones((2, 1)), np.ones(2), False),
        (np.array([1.0, -np.inf]), np.array([1.0, -np.inf]), True),
        (np.array([1.0, np.nan]), np.array([1.0, 2.0]), False),
        (b"ab", b"ab", True),
        ([b"ab"], [b"ba"], False),
        (True, False, False),
        (None, 1.0, False),
        (np.array(["in", "out"]), np.array(["in", "out"]), True),
        (np.array(["in", "out"]), np.array(["in", "on"]), False),
        (np.array([None, 1.0], dtype=object), np.array([None, 2.0], dtype=object), False),
        (object(), object(), True),  # what cannot be compared is taken for equal
    ],
)
def test_what_rounding_explains_is_no_difference(mine, theirs, same):
    apart, explained = slots._apart(mine, theirs)
    assert (apart <= explained) == same


def test_bf16_may_differ_by_more_than_fp32():
    torch = pytest.importorskip("torch")
    one, other = torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.02])
    assert slots._apart(one, other)[0] > slots._apart(one, other)[1]
    assert slots._apart(one.bfloat16(), other.bfloat16())[0] < slots._apart(one.bfloat16(), other.bfloat16())[1]


def test_one_function_of_the_folder_alone(tmp_path):
    (tmp_path / "a.py").write_text("def top_p(logits, p):\n    return 1\n\ndef top_k(logits, k):\n    return 2\n")
    environment = os.environ | {
        "PYTHONPATH": SOURCE,
        slots.VARIABLE: str(tmp_path),
        slots.ONLY: "inference.decoding.top_k",
    }
    program = "import groundup.slots as s; print([f.id for f in s.active()])"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert said.stdout.strip() == "['inference.decoding.top_k']", said.stderr
