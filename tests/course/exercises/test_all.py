"""Every exercise of the shelf proves itself: its solution passes, its stub does not, and each mutant is caught with its own words."""

import os
import shlex
import sys
from functools import cache

import pytest

from groundup import cli, slots
from groundup.cli import verbs
from groundup.course import book, shelf
from groundup.course.checker import check_mutants, shared
from groundup.course.exercise import Exercise, source_of
from groundup.course.topics import resolve
from groundup.errors import InputError

# By the scope all tests of an exercise come one after the other: of two processes that share them, one proves it.
every = pytest.mark.parametrize("exercise", shelf.exercises(), ids=lambda one: one.id, scope="module")
proofs = cache(check_mutants)
proof = pytest.mark.proof


@proof
@every
def test_the_solution_passes_and_the_stub_does_not(exercise: Exercise):
    solution, stub = proofs(exercise)[:2]
    assert not solution.fault and not stub.fault
    assert "not written yet" in stub.verdict.sentence


@proof
@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
@every
def test_after_it_the_warm_process_still_has_one_thread(exercise: Exercise):
    assert proofs(exercise)
    process = shared().process
    assert process is not None and len(os.listdir(f"/proc/{process.pid}/task")) == 1


@proof
@every
def test_each_of_at_least_four_mutants_is_caught_with_its_own_words(exercise: Exercise):
    mutants = proofs(exercise)[2:]
    assert len(mutants) >= 4
    assert not [(proof.name, proof.fault) for proof in mutants if proof.fault]


@proof
@every
def test_no_two_mutants_get_the_same_sentence(exercise: Exercise):
    sentences = [proof.verdict.sentence for proof in proofs(exercise)[2:]]
    assert len(set(sentences)) == len(sentences)


@proof
@every
def test_a_check_that_fails_shows_a_small_input(exercise: Exercise):
    failed = [proof.verdict for proof in proofs(exercise)[2:] if proof.verdict.kind == "failed"]
    assert failed and all(verdict.input and len(verdict.input) < 600 for verdict in failed if verdict.rung != "speed")


@every
def test_every_check_names_another_mistake(exercise: Exercise):
    assert len({check.mistake for check in exercise.checks}) == len(exercise.checks)
    assert all(check.mistake.endswith((".", "?")) for check in exercise.checks)


@every
def test_it_has_a_task_three_hints_and_minutes(exercise: Exercise):
    assert exercise.title and len(exercise.task.split()) > 30 and len(set(exercise.hints)) == 3
    assert 5 <= exercise.minutes <= 240


@every
def test_it_stands_at_the_path_of_its_id(exercise: Exercise):
    assert exercise.file == shelf.SHELF.joinpath(*exercise.id.split(".")).with_suffix(".py")
    assert exercise.id in slots.known_slots() and source_of(exercise).is_file()


@every
def test_what_comes_before_is_a_topic_or_an_exercise(exercise: Exercise):
    for id in exercise.prerequisites:
        try:
            assert resolve(id)
        except InputError:
            assert shelf.find(id).id == id != exercise.id


@every
def test_the_commands_that_show_it_at_work_can_be_read_and_the_last_one_uses_it(exercise: Exercise):
    if not exercise.run:
        assert exercise.id.startswith("foundations."), "the real run calls every other one"
        return
    for command in exercise.run.split(" && "):
        program, *words = shlex.split(command)
        arguments, mine = cli.take_mine(words)
        assert program == "groundup"
        function, name, rest = verbs._function(arguments[0], arguments[1:])
        options = verbs.parse(verbs.options_of(function), rest, name)
        assert "lesson" not in arguments or book.find(options.lesson).id == options.lesson
    assert mine == "my"
