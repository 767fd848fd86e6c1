"""The state of the world, its facts, and the pairs that are held out."""

import pytest

from groundup.data.sources.tinyworld.arithmetic import PAIRS, held_out_numbers, second_numbers
from groundup.data.sources.tinyworld.words import WORDS, options
from groundup.data.sources.tinyworld.world import World, fact_table, facts, held_out, second_words


def test_a_thing_is_where_its_holder_is_until_it_is_put_down():
    world = World(people=["Mira", "Tom"], things=["red ball"])
    world.move("Mira", "hall")
    world.put("red ball", "hall")
    world.take("Mira", "red ball")
    world.move("Mira", "garden")
    assert world.where("red ball") == "garden" and world.held_by("Mira") == ["red ball"]
    world.put("red ball", "garden")
    world.move("Mira", "hall")
    assert world.where("red ball") == "garden" and world.lying_in("garden") == ["red ball"]
    assert world.present_in("hall") == ["Mira"] and world.held_by("Mira") == []


def test_a_forgotten_world_is_as_new():
    world = World(people=["Mira"], places=["hall"], place_of={"Mira": "hall"}, pairs={"a": "b"}, items=["x"])
    world.forget()
    assert world == World()


def test_everyone_known_has_each_fact_once_and_they_never_change():
    assert facts() == facts() and len(fact_table()) == len(facts()) == 16 * 4 + 8 * 2
    assert fact_table()["Mira", "home"] in WORDS["town"]
    assert (facts()[0].subject, facts()[0].relation) == ("Mira", "job")


def test_about_a_tenth_of_the_pairs_is_held_out():
    pairs = [(a, n) for a in WORDS["adjective"] for n in WORDS["thing"]]
    share = sum(held_out("adjective-noun", *pair) for pair in pairs) / len(pairs)
    assert 0.09 < share < 0.11


def test_seen_and_unseen_second_words_divide_the_category():
    seen = second_words("adjective-noun", "red", "thing", "seen")
    unseen = second_words("adjective-noun", "red", "thing", "unseen")
    assert set(seen.texts) | set(unseen.texts) == set(options("thing").texts)
    assert not set(seen.texts) & set(unseen.texts)
    assert abs(sum(seen.probabilities) - 1) < 1e-12


def test_held_out_number_pairs_are_about_a_tenth_and_their_mirror_is_seen():
    for kind in ("sum", "long", "order"):
        held = [pair for pair in PAIRS[kind] if held_out_numbers(kind, *pair)]
        assert 0.06 < len(held) / len(PAIRS[kind]) < 0.14
        assert not [(a, b) for a, b in held if held_out_numbers(kind, b, a)]


def test_a_difference_is_held_out_for_one_phrasing_and_known_from_others():
    for pair in PAIRS["difference"]:
        assert sum(held_out_numbers("difference", *pair, phrase) for phrase in "abcde") <= 3


@pytest.mark.parametrize("kind", ["sum", "gain", "loss", "order", "amount", "long"])
def test_every_first_number_has_a_seen_partner(kind):
    assert all(second_numbers(kind, first, "seen") for first, _ in PAIRS[kind])


def test_a_list_of_six_digits_never_runs_out_of_seen_neighbours():
    assert all(len(second_numbers("order", digit, "seen").texts) >= 6 for digit in range(1, 10))


def test_every_common_word_has_partners_of_both_compositions():
    for composition in ("seen", "unseen"):
        for adjective in WORDS["common_adjective"]:
            assert second_words("adjective-noun", adjective, "common_thing", composition)
        for thing in WORDS["common_thing"]:
            assert second_words("neighbours", thing, "common_thing", composition)
        for number in range(2, 10):
            assert second_words("count-noun", str(number), "common_goods", composition)
