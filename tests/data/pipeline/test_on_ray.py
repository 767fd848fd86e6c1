"""Ray: the same bytes as this machine's processes give, and a sentence where it is not installed."""

import sys

import pytest
from tests.data.pipeline.test_etl import PIPELINE, pages, tree

from groundup.data.pipeline import on_ray
from groundup.data.pipeline.etl import run
from groundup.errors import MissingExtra

__all__ = ["pages"]


def test_without_ray_the_way_to_it_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"pip install 'ray\[data\]'"):
        on_ray.on_ray()


@pytest.mark.slow
def test_ray_gives_the_same_bytes(pages, tmp_path):
    ray = pytest.importorskip("ray")
    run(PIPELINE, pages, tmp_path / "here")
    try:
        run(PIPELINE, pages, tmp_path / "there", execute=on_ray.on_ray(workers=2))
    finally:
        ray.shutdown()
    assert tree(tmp_path / "here") == tree(tmp_path / "there")
