"""Ways to do the same are called in turns, and each call's seconds are its own."""

from groundup.machine.probe.timing import in_turns


def test_calls_come_in_turns_and_the_warm_ones_do_not_count():
    order: list[str] = []
    now = [0.0]

    def work(name: str, seconds: float):
        def run() -> None:
            order.append(name)
            now[0] += seconds

        return run

    ways = {"slow": work("slow", 3.0), "fast": work("fast", 1.0)}
    assert in_turns(ways, 2, warm=1, clock=lambda: now[0]) == {"slow": [3.0, 3.0], "fast": [1.0, 1.0]}
    assert order == ["slow", "fast"] * 3
