"""A page holds its figures and one copy of Plotly, and asks the network for nothing."""

import re

from groundup.plots import loss_curve, samples_table, to_html


def test_a_page_holds_plotly_once_and_every_figure():
    page = to_html([loss_curve([1], [2.0]), loss_curve([1], [3.0])], title="a < b")
    assert len(re.findall(r"plotly\.js v\d", page)) == 1
    assert 'id="figure-1"' in page and 'id="figure-2"' in page
    assert "<title>a &lt; b</title>" in page


def test_a_page_loads_nothing_from_elsewhere():
    page = to_html([loss_curve([1], [2.0])])
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", page)


def test_the_same_figures_give_the_same_page():
    assert to_html([loss_curve([1], [2.0])]) == to_html([loss_curve([1], [2.0])])


def test_text_that_closes_a_script_stays_text():
    page = to_html([samples_table([(1, "p", "</script><script>alert(1)</script>")])])
    assert "alert(1)</script>" not in page
