"""Figures from plain numbers, the same in lesson, report and workbench. In reading order:

style     one visual language: colours that are told apart by everyone, on white and on black
curves    a loss over steps, beside the floor and the baselines; any functions of one number
bars      scores with intervals, time and memory by stage with their forecasts, compression, cost; values by name, histograms
intervals dots with their intervals about zero: what each change is worth
laws      measured runs, the law through them with its band, the floor it ends on
heat      a matrix as colours: attention, confusion
roofs     a roofline: what a machine can do at best, and what ran beneath it
points    points in the plane or in space, with words, groups and lines
surface   a function of two variables in space or from above, with the ways taken on it
flow      boxes and arrows: computational graphs, trees
trees     sentences: phrases above their words, arcs from word to word
flame     what runs inside what, each as wide as its time
tables    what the model wrote, over time
page      several figures as one HTML page that needs no network
"""

import importlib
from typing import Any

_EXPORTS = {
    "loss_curve": "curves",
    "lines": "curves",
    "accuracy_bars": "bars",
    "bits_per_byte_bars": "bars",
    "compression_bars": "bars",
    "cost_bar": "bars",
    "time_and_memory_bars": "bars",
    "value_bars": "bars",
    "histogram": "bars",
    "differences": "intervals",
    "law": "laws",
    "heat_map": "heat",
    "roofline": "roofs",
    "scatter": "points",
    "surface_3d": "surface",
    "contour_map": "surface",
    "flow_chart": "flow",
    "constituency_tree": "trees",
    "dependency_arcs": "trees",
    "flame_graph": "flame",
    "samples_table": "tables",
    "figure_html": "page",
    "plotly_script": "page",
    "to_html": "page",
}
__all__ = list(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(importlib.import_module(f"groundup.plots.{_EXPORTS[name]}"), name)
    raise AttributeError(f"groundup.plots has no {name!r}; it draws {', '.join(_EXPORTS)}")
