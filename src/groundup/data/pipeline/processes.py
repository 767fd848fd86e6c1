"""The tasks of a stage in processes of this machine; one that dies takes no other shard with it."""

import concurrent.futures
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool

from groundup.data.pipeline.shard import Result, Task, run_guarded
from groundup.errors import ConfigError

Execute = Callable[[Sequence[Task]], Iterator[Result]]


def local(workers: int = 1) -> Execute:
    """Do tasks in so many processes of this machine; with one, in this process."""
    if workers < 1:
        raise ConfigError(f"workers={workers} do nothing; use 1 or more")
    return (lambda tasks: map(run_guarded, tasks)) if workers == 1 else (lambda tasks: _in_processes(tasks, workers))


def _in_processes(tasks: Sequence[Task], workers: int) -> Iterator[Result]:
    """Results as they come. When a process dies, what was not done is tried again one by one, so that the culprit is known."""
    left = {task.shard: task for task in tasks}
    try:
        for result in _pool(tasks, min(workers, len(tasks))):
            del left[result.shard]
            yield result
    except BrokenProcessPool:
        for task in list(left.values()):
            yield from _alone(task)


def _pool(tasks: Iterable[Task], workers: int) -> Iterator[Result]:
    context = multiprocessing.get_context("spawn")  # a fork would copy the threads' locks of torch and Arrow
    with concurrent.futures.ProcessPoolExecutor(workers, context) as pool:
        futures = [pool.submit(run_guarded, task) for task in tasks]
        try:
            for future in concurrent.futures.as_completed(futures):
                yield future.result()
        finally:
            for future in futures:
                future.cancel()


def _alone(task: Task) -> Iterator[Result]:
    try:
        yield from _pool([task], 1)
    except BrokenProcessPool:
        died = "its process was killed, most often because memory ran out; use fewer workers or smaller files"
        yield Result(task.shard, None, died)
