"""What is planted in real text is found, what only looks like it stays, and Ray finds the same, byte for byte, also when a worker is killed."""

import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.data import planted as plants
from tests.data.pipeline.test_etl import tree

from groundup.data.dedup.minhash import MinHashConfig, candidate_probability
from groundup.data.pipeline.cleaning import MinHash
from groundup.data.pipeline.etl import run

DATA = Path(__file__).parents[4] / "shared" / "data"
needs_data = pytest.mark.skipif(
    not all((DATA / name).is_dir() for name in ("web-html", "cranfield", "multi30k", "gsm8k")),
    reason="the data sets web-html, cranfield, multi30k and gsm8k are not here",
)
BANDS = MinHashConfig(threshold=0.8)


def check(made, found, wrongly=0):
    """All is found and nothing else but near duplicates, of which so many are as the bands promise for their likenesses, within three deviations.

    wrongly: what only looks like a near duplicate and is taken for one, because by chance a whole band agrees.
    """
    for kind, one in found.items():
        assert one["wrongly"] == (wrongly if kind == "near duplicate" else 0), (kind, one)
        assert kind == "near duplicate" or one["found"] == one["planted"], (kind, one)
    near = [id for id, kind in made.kinds.items() if kind == "near duplicate"]
    chances = [candidate_probability(nearest(made, id), BANDS.bands, BANDS.rows) for id in near]
    spread = sum(chance * (1 - chance) for chance in chances) ** 0.5
    assert abs(found["near duplicate"]["found"] - sum(chances)) < 3 * spread, (found["near duplicate"], sum(chances), spread)


def nearest(made, id):
    """The likeness of a document to the one that is most like it, counted by sets."""
    mine = plants.runs(made.texts[id], 5)
    others = (plants.runs(text, 5) for other, text in made.texts.items() if other != id)
    return max(len(mine & other) / max(1, len(mine | other)) for other in others)


def struck(out):
    """What the step for near duplicates took out."""
    return {row["id"] for row in plants.rows(out / "dropped", ["id", "step"]) if row["step"].endswith("minhash")}


@needs_data
def test_planted_faults_are_found_and_what_looks_like_them_stays(tmp_path):
    pytest.importorskip("py3langid")
    made = plants.make(DATA, tmp_path, each=16, ground=300, pages=False)
    run(made.pipeline(), made.corpus, tmp_path / "out")
    found = plants.measure(made, tmp_path / "out")
    assert [one["planted"] for one in found.values()] == [16] * 5
    check(made, found, wrongly=1)
    (wrong,) = (id for id in struck(tmp_path / "out") if made.kinds.get(id) != "near duplicate")
    likeness = nearest(made, wrong)  # 0.588: nine bands of thirteen agree somewhere with a chance of 0.9 in 100
    assert 0.3 <= likeness <= 0.6 and candidate_probability(likeness, BANDS.bands, BANDS.rows) < 0.01
    steps = [replace(step, verify=True) if isinstance(step, MinHash) else step for step in made.pipeline().steps]
    run(replace(made.pipeline(), steps=tuple(steps)), made.corpus, tmp_path / "verified")
    assert plants.measure(made, tmp_path / "verified")["near duplicate"]["wrongly"] == 0  # its whole signature says that it is none


@pytest.mark.slow
@needs_data
def test_over_pages_abstracts_and_plants_ray_gives_the_shards_of_this_machine_byte_for_byte(tmp_path):
    ray = pytest.importorskip("ray")
    pytest.importorskip("py3langid")
    from groundup.data.pipeline.on_ray import on_ray

    made = plants.make(DATA, tmp_path, each=60)
    run(made.pipeline(), made.corpus, tmp_path / "here")
    check(made, plants.measure(made, tmp_path / "here"))
    try:
        run(made.pipeline(), made.corpus, tmp_path / "there", execute=on_ray(workers=2))
    finally:
        ray.shutdown()
    assert tree(tmp_path / "here") == tree(tmp_path / "there")


@pytest.mark.slow
@needs_data
def test_a_ray_worker_that_is_killed_changes_no_byte(tmp_path):
    ray = pytest.importorskip("ray")
    from groundup.data.pipeline.on_ray import on_ray

    made = plants.make(DATA, tmp_path, each=60, pages=False)
    run(made.pipeline(), made.corpus, tmp_path / "here")
    over, killed = threading.Event(), []
    killer = threading.Thread(target=kill_workers, args=(over, killed, 2))
    try:
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        killer.start()
        run(made.pipeline(), made.corpus, tmp_path / "there", execute=on_ray(workers=2))
    finally:
        over.set()
        killer.join()
        ray.shutdown()
    assert killed
    assert tree(tmp_path / "here") == tree(tmp_path / "there")


def kill_workers(over, killed, most):
    """Kill so many of this process's descendants that do a shard, one after another, each in the middle of its work."""
    while not over.wait(0.05) and len(killed) < most:
        for worker in working():
            time.sleep(0.2)
            try:
                os.kill(worker, signal.SIGKILL)
            except ProcessLookupError:
                continue
            killed.append(worker)
            break


def working():
    """The descendants of this process that Ray has given a shard; Ray writes the task's name into a worker's title."""
    psutil = pytest.importorskip("psutil")
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            title = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if title.startswith("ray::") and "Map" in title:
            found.append(process.pid)
    return found
