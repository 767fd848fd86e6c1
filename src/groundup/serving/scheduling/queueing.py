"""What to expect of a queue: waiting against load, before anything is measured.

Requests come at random (Poisson), `arrivals` a second; one takes 1 / `service` seconds; `servers` work side by side. With the load
rho = arrivals / (servers * service) below 1 the mean time in the system of one server is

    T = 1 / (service - arrivals) = (1 / service) / (1 - rho)

so at half load twice the time of a lone request, at 90 % ten times: the knee. Its times are exponential, so the p-th part of all is
done within T * ln(1 / (1 - p)). For several servers: Erlang's C (Erlang 1917; Kleinrock 1975, "Queueing Systems" I, sections 3.2 and
3.5). Little's law, L = arrivals * T, holds for every queue. A batch is no such server (it slows as it fills), so this is the shape to
compare with, not a promise. Left out: other than exponential service times (Pollaczek-Khinchine).
"""

import math

from groundup.errors import InputError


def time_in_system(arrivals: float, service: float) -> float:
    """Mean seconds from arrival to end, M/M/1; infinite where more comes than can be done. Both are rates, a second.

    >>> time_in_system(5.0, 10.0), time_in_system(9.0, 10.0), time_in_system(10.0, 10.0)
    (0.2, 1.0, inf)
    """
    return 1.0 / (service - arrivals) if arrivals < service else math.inf


def percentile(arrivals: float, service: float, part: float) -> float:
    """Seconds within which this part of all requests is done, M/M/1.

    >>> round(percentile(5.0, 10.0, 0.99), 3)
    0.921
    """
    if not 0 <= part < 1:
        raise InputError(f"part={part!r} is no part of all requests; use 0 up to, but not, 1")
    return time_in_system(arrivals, service) * -math.log1p(-part)


def erlang_c(arrivals: float, service: float, servers: int) -> float:
    """The probability that a request has to wait, M/M/c; 1 where more comes than can be done.

    >>> erlang_c(5.0, 10.0, 1), round(erlang_c(10.0, 10.0, 2), 4)
    (0.5, 0.3333)
    """
    if servers < 1 or arrivals < 0 or service <= 0:
        raise InputError(
            f"{servers} servers of {service:g} a second for {arrivals:g} a second cannot be; use positive numbers"
        )
    offered = arrivals / service
    if offered >= servers:
        return 1.0
    blocked = 1.0  # Erlang's B, by its recursion, which no factorial overflows
    for number in range(1, servers + 1):
        blocked = offered * blocked / (number + offered * blocked)
    return blocked / (1 - offered / servers * (1 - blocked))


def mean_wait(arrivals: float, service: float, servers: int) -> float:
    """Mean seconds in the queue, M/M/c."""
    spare = servers * service - arrivals
    return erlang_c(arrivals, service, servers) / spare if spare > 0 else math.inf
