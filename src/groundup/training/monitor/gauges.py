"""What the system tells at once about this process and this machine: memory, temperature, power.

Memory is read at every step (40 microseconds). Heat changes slowly, so it is read every few seconds: the hottest zone of
/sys/class/thermal, the energy counter of the processor (powercap, where the system lets us read it), and on an NVIDIA
card `nvidia-smi`, which takes up to half a second and therefore runs beside the training and is asked for its answer later.
What a machine does not have is left out, never guessed. Leaves out: other vendors' cards, fans, the memory of child processes.
"""

import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

STATUS = Path("/proc/self/status")
THERMAL, POWER = Path("/sys/class/thermal"), Path("/sys/class/powercap")
EVERY_S, CARD_EVERY_S = 2.0, 15.0
CARD = ("nvidia-smi", "--query-gpu=temperature.gpu,power.draw,utilization.gpu", "--format=csv,noheader,nounits")
CARD_NAMES = ("gpu_temperature_c", "gpu_power_w", "gpu_busy_percent")


def resident(status: Path | None = None) -> dict[str, int]:
    """Bytes that a process holds now (VmRSS) and held at most (VmHWM), from its /proc/PID/status; {} where the system does not say."""
    try:
        lines = (status or STATUS).read_text().splitlines()
    except OSError:
        return {}
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.startswith(("VmRSS", "VmHWM"))}


def peak_so_far() -> int:
    """The most that this process held, on every system."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def memory() -> dict[str, float]:
    """Resident memory now and at its peak, as lines of metrics have them; elsewhere than on Linux the peak alone."""
    found = resident() or {"VmHWM": peak_so_far()}
    names = {"VmRSS": "memory_bytes", "VmHWM": "peak_memory_bytes"}
    return {name: found[field] for field, name in names.items() if field in found}


def temperature(folder: Path = THERMAL) -> float | None:
    """The hottest zone in degrees Celsius; None where none can be read, as in most containers."""
    found = [_number(file) for file in folder.glob("thermal_zone*/temp")]
    degrees = [value / 1000 for value in found if value is not None and 0 < value < 150_000]  # -274000: a broken sensor
    return max(degrees, default=None)


def energy_joules(folder: Path = POWER) -> float | None:
    """What the processors used since the counter began, which every so often begins again; None where only root may read it."""
    found = [_number(file) for file in folder.glob("intel-rapl:?/energy_uj")]
    readable = [value for value in found if value is not None]
    return sum(readable) / 1e6 if readable else None


def _number(file: Path) -> float | None:
    try:
        return float(file.read_text())
    except (OSError, ValueError):
        return None


class Card:
    """An NVIDIA card's own readings, by a process that runs beside the training."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self.clock, self.asked = clock, -CARD_EVERY_S
        self.process: subprocess.Popen[str] | None = None
        self.known: dict[str, float] = {}
        self.command = shutil.which(CARD[0])

    def __call__(self) -> dict[str, float]:
        """The last answer; now and then the question is asked again, and nobody waits for it."""
        if self.process is not None and self.process.poll() is not None:
            self.known = parse_card(self.process.communicate()[0])
            self.process = None
        if self.command and self.process is None and self.clock() - self.asked >= CARD_EVERY_S:
            self.asked = self.clock()
            self._ask()
        return self.known

    def _ask(self) -> None:
        try:
            self.process = subprocess.Popen(
                [str(self.command), *CARD[1:]], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
        except OSError:
            self.command = None


def parse_card(text: str) -> dict[str, float]:
    """The first card's line; what it does not know ("[N/A]") is left out.

    >>> parse_card("61, 248.10, 97")
    {'gpu_temperature_c': 61.0, 'gpu_power_w': 248.1, 'gpu_busy_percent': 97.0}
    >>> parse_card("61, [N/A], 3")
    {'gpu_temperature_c': 61.0, 'gpu_busy_percent': 3.0}
    """
    words = text.splitlines()[0].split(",") if text.strip() else []
    known = {}
    for name, word in zip(CARD_NAMES, words, strict=False):
        try:
            known[name] = float(word)
        except ValueError:
            continue
    return known


class Gauges:
    """Memory, temperature and power, as numbers for a line of metrics. device: the model's; only a card's is asked for its memory."""

    def __init__(self, device: str = "cpu", clock: Callable[[], float] = time.monotonic):
        self.cuda, self.clock, self.read_at = device.startswith("cuda"), clock, -EVERY_S
        self.heat: dict[str, float] = {}
        self.energy = energy_joules()
        self.card = Card(clock) if self.cuda else dict

    def __call__(self) -> dict[str, float]:
        """What can be read now."""
        now = self.clock()
        if now - self.read_at >= EVERY_S:
            self.heat = dict(self._heat(now - self.read_at))
            self.read_at = now
        return {**memory(), **(self._card_memory() if self.cuda else {}), **self.heat, **self.card()}

    def _heat(self, passed: float) -> Iterator[tuple[str, float]]:
        degrees, energy = temperature(), energy_joules()
        if degrees is not None:
            yield "temperature_c", degrees
        if energy is not None and self.energy is not None and self.read_at >= 0 and energy >= self.energy:
            yield "power_w", (energy - self.energy) / passed
        self.energy = energy

    def _card_memory(self) -> dict[str, float]:
        import torch

        return {
            "gpu_memory_bytes": torch.cuda.memory_allocated(),
            "gpu_peak_memory_bytes": torch.cuda.max_memory_allocated(),
        }


def load_average() -> float | None:
    """Programs that wanted a core in the last minute, this one among them; more than there are cores: it had to wait."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return None
