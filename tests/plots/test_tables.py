"""Samples are shown as text, whatever the model wrote."""

from groundup.plots import samples_table


def test_samples_stand_in_rows_in_the_order_given():
    table = samples_table([(0, "Anna", "xq"), (100, "Anna", "has a ball.")]).data[0]
    assert [list(column) for column in table.cells.values] == [["0", "100"], ["Anna", "Anna"], ["xq", "has a ball."]]


def test_what_a_model_wrote_is_never_markup():
    table = samples_table([(1, "p", "<img src=x onerror=alert(1)>\n<a href='javascript:x'>")]).data[0]
    assert table.cells.values[2][0] == "&lt;img src=x onerror=alert(1)><br>&lt;a href='javascript:x'>"


def test_no_samples_make_an_empty_table():
    assert [list(column) for column in samples_table([]).data[0].cells.values] == [[], [], []]
