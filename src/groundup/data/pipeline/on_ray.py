"""The same pipeline on Ray Data: the shards of a stage are rows of a Ray data set, and the function of a shard is mapped over them.

    run(pipeline, source, out, execute=on_ray(address="auto"))

A shard is a pure function from files to files, so the result is the same byte for byte as that of local processes: Ray decides only
where and when. What Ray retries (a worker that died) finds a shard that is done by its report and does the rest again. Source and
work folder must be seen by every node under the same path, as on a cluster's shared file system.

Ray comes apart from groundup: pip install 'ray[data]'. Leaves out: folders that only one node sees; ships no results through Ray's
object store but the reports.
"""

import importlib
import json
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from groundup.data.pipeline.processes import Execute
from groundup.data.pipeline.shard import Result, Task, run_guarded
from groundup.errors import InputError, MissingExtra


def on_ray(address: str | None = None, workers: int | None = None) -> Execute:
    """What does the tasks of a stage on Ray.

    address: of a cluster, "auto" for the one this machine belongs to; None: a cluster of this machine for this process.
    workers: shards at once; None: as many as there are processors.
    """
    ray = _ray()

    def execute(tasks: Sequence[Task]) -> Iterator[Result]:
        _connect(ray, address)
        listed = list(tasks)  # goes to the workers with the function

        def one(row: dict[str, Any]) -> dict[str, Any]:
            result = run_guarded(listed[row["id"]])
            # as JSON: Arrow would give every row the fields of all
            return {"shard": result.shard, "report": json.dumps(result.report), "error": result.error or ""}

        rows = ray.data.range(len(listed), override_num_blocks=len(listed))
        for row in rows.map(one, compute=ray.data.TaskPoolStrategy(size=workers)).iter_rows():
            yield Result(row["shard"], json.loads(row["report"]), row["error"] or None)

    return execute


def _ray() -> Any:
    try:
        ray = importlib.import_module("ray")
        importlib.import_module("ray.data")
    except ImportError as error:
        raise MissingExtra(
            f"running on Ray needs ray[data] ({error}); pip install 'ray[data]', or leave --ray out"
        ) from error
    return ray


def _connect(ray: Any, address: str | None) -> None:
    """Join the cluster, once; InputError where none answers."""
    ray.data.DataContext.get_current().enable_progress_bars = False  # the stage has a bar of its own
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    if ray.is_initialized():
        return
    try:
        ray.init(address=address, log_to_driver=False, include_dashboard=False, logging_level=logging.WARNING)
    except (ConnectionError, ValueError) as error:
        raise InputError(
            f"no Ray cluster answers at {address} ({error}); start one with `ray start --head`, or leave --address out"
        ) from error
