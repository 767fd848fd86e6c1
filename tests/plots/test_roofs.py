"""A roofline: slanted roofs meet the highest flat one, points keep their group's colour, names are shown as they are."""

import pytest

from groundup.plots import roofline


def test_a_slanted_roof_rises_with_its_bandwidth_to_the_highest_flat_one():
    memory, cache, flat = roofline({"fp32": 100e9}, {"memory": 10e9, "L1": 50e9}).data
    assert memory.y[0] / memory.x[0] == pytest.approx(10) and (memory.x[1], memory.y[1]) == (10.0, 100.0)
    assert cache.x[1] == 2.0 and flat.y == (100.0, 100.0)


def test_points_stand_in_billions_with_a_colour_a_group_and_a_symbol_a_label():
    points = [("head", "train", 64.0, 80e9), ("norm", "train", 0.5, 4e9), ("head", "decode", 0.5, 5e9)]
    made = roofline({"fp32": 100e9}, {"memory": 10e9}, points)
    head, norm, decoded = made.data[2:]
    assert (head.x, head.y, head.name) == ((64.0,), (80.0,), "train, head")
    assert head.marker.color == norm.marker.color != decoded.marker.color
    assert head.marker.symbol == decoded.marker.symbol != norm.marker.symbol
    assert made.layout.xaxis.type == made.layout.yaxis.type == "log"


def test_every_roof_has_its_name_at_a_place_inside_the_picture():
    made = roofline({"fp32": 100e9}, {"memory": 10e9})
    assert [note.text for note in made.layout.annotations] == ["memory: 10 GB/s", "fp32: 100 billion a second"]
    slanted, flat = made.layout.annotations
    assert 10 ** (slanted.y - slanted.x) == pytest.approx(10 / 1.1), "beside its line"
    assert 10**flat.y == pytest.approx(100)


def test_words_are_shown_as_they_are():
    made = roofline({"<b>": 1e9}, {"memory": 1e9}, [("<i>", "g", 1.0, 1e8)])
    assert made.data[2].name == "g, &lt;i>" and any("&lt;b>" in note.text for note in made.layout.annotations)
