"""The token bucket: so much at once, and so much a second after that.

A bucket holds at most `capacity` and fills at `rate` a second. Who asks for an amount takes it out if it is there; if not, he is told
how long filling will take, and nothing is taken. Whatever happens, what is taken within any w seconds is at most

    capacity + rate * w

for the bucket held at most its capacity at their beginning and got rate * w in them. Nothing runs between two questions: what has
flowed in is computed from the time of the last one (Turner 1986, "New directions in communications"; the same as the generic cell
rate algorithm of ITU-T I.371, which keeps a time in place of a level).

An answer's length is not known when it is admitted. Its most is taken then, and what it did not use is put back at its end (`put_back`);
within w seconds the bound is higher by what is put back in them. Left out: sharing a bucket between several servers.
"""

import math
import threading

from groundup.errors import ConfigError
from groundup.slots import slot


@slot
def take(
    level: float, updated_s: float, now_s: float, amount: float, rate: float, capacity: float
) -> tuple[float, float, float]:
    """Take `amount` out of a bucket that held `level` at `updated_s`: (level now, time of that level, seconds to wait).

    0 seconds: it was taken. More: nothing was taken, and after so long it would be there. math.inf: it never will, as it is more than the
    bucket holds. A clock that goes backwards fills nothing. rate: a second, more than 0.

    >>> take(10.0, 0.0, 2.0, 4.0, rate=1.0, capacity=10.0)
    (6.0, 2.0, 0.0)
    >>> take(6.0, 2.0, 3.0, 9.0, rate=1.0, capacity=10.0)
    (7.0, 3.0, 2.0)
    """
    now_s = max(now_s, updated_s)
    level = min(capacity, level + (now_s - updated_s) * rate)
    if amount <= level:
        return level - amount, now_s, 0.0
    return level, now_s, (amount - level) / rate if amount <= capacity else math.inf


class TokenBucket:
    """One bucket, for threads. Times are the caller's, in seconds of a clock that does not jump (`time.monotonic`)."""

    def __init__(self, rate: float, capacity: float, now_s: float = 0.0):
        if not (0 < rate < math.inf and 0 < capacity < math.inf):
            raise ConfigError(
                f"a bucket of {capacity:g} that fills at {rate:g} a second cannot be; use numbers above 0"
            )
        self.rate, self.capacity = rate, capacity
        self._level, self._updated_s = float(capacity), now_s
        self._lock = threading.Lock()

    def take(self, amount: float, now_s: float) -> float:
        """Take it, or say in how many seconds it will be there (`take`)."""
        with self._lock:
            self._level, self._updated_s, wait = take(
                self._level, self._updated_s, now_s, amount, self.rate, self.capacity
            )
            return wait

    def put_back(self, amount: float, now_s: float) -> None:
        """What was taken and not used; the bucket holds no more than its capacity for that."""
        with self._lock:
            level, self._updated_s, _ = take(self._level, self._updated_s, now_s, 0.0, self.rate, self.capacity)
            self._level = min(self.capacity, level + max(0.0, amount))

    def level(self, now_s: float) -> float:
        """How much is there; nothing is taken."""
        with self._lock:
            return take(self._level, self._updated_s, now_s, 0.0, self.rate, self.capacity)[0]

    def full_in_s(self, now_s: float) -> float:
        """Seconds until it is full again."""
        return (self.capacity - self.level(now_s)) / self.rate
