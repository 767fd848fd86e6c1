"""A law's picture: dots by series, the curve, the band around it, what was met, and the floor."""

from groundup import plots


def test_every_part_of_a_law_is_drawn():
    figure = plots.law(
        {"small": ([1e3, 1e4], [2.0, 1.5]), "large": ([1e4], [1.4])},
        curves={"the law": ([1e3, 1e5], [2.0, 1.2])},
        band=([1e3, 1e5], [1.9, 1.1], [2.1, 1.3]),
        met={"met": ([1e5], [1.22])},
        floor=0.5,
        x="FLOPs",
        y="loss",
        title="A law",
    )
    assert [trace.name for trace in figure.data] == ["where a run is expected", "the law", "small", "large", "met"]
    band = figure.data[0]
    assert list(band.x) == [1e3, 1e5, 1e5, 1e3] and list(band.y) == [2.1, 1.3, 1.1, 1.9]
    assert figure.layout.xaxis.type == "log" and figure.layout.yaxis.type is None
    assert figure.layout.shapes[0].y0 == 0.5


def test_dots_alone_are_a_picture_too_and_names_are_escaped():
    figure = plots.law({"<b>": ([1, 2], [1, 2])}, log_y=True)
    assert len(figure.data) == 1 and "<b>" not in figure.data[0].name and figure.layout.yaxis.type == "log"
