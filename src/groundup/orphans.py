"""A child process that ends when its parent is gone: a killed command leaves nothing behind that goes on computing."""

import os
import threading
import time

LOOK_EVERY_S = 1.0


def end_with_parent(every_s: float = LOOK_EVERY_S) -> None:
    """Watch from a thread of this process whether its parent still lives; leave at once, without cleaning up, when it does not."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(every_s)
        os._exit(1)

    threading.Thread(target=watch, name="end_with_parent", daemon=True).start()
