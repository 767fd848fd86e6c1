"""OpenTelemetry: what arrives is what was said, and a collector that is down is said once."""

import importlib.util

import pytest

from groundup.errors import MissingExtra
from groundup.training.monitor import telemetry
from groundup.training.monitor.logging import Log

export = pytest.importorskip("opentelemetry.sdk._logs.export")


def test_lines_arrive_with_run_rank_and_step(tmp_path):
    memory = export.InMemoryLogRecordExporter()
    exporter = telemetry.Exporter(memory)
    log = Log(tmp_path, "demo", number=2, clock=lambda: 1764288000.5, takers=[exporter])
    log.write("a spike", level="warning", step=40, factor=7.5, settings={"a": 1}, loss=float("nan"))
    log.write("the token hf_abcdefghijklmnop is wrong", level="error", step=41)
    exporter.close()
    first, second = [one.log_record for one in memory.get_finished_logs()]
    assert first.body == "a spike" and first.severity_text == "warning" and first.severity_number.value == 13
    assert first.timestamp == 1764288000500000000
    wanted = {"run": "demo", "rank": 2, "step": 40, "sitting": 0, "factor": 7.5}
    assert wanted.items() <= dict(first.attributes).items() and "loss" not in first.attributes
    assert "hf_" not in second.body and second.severity_number.value == 17
    resource = memory.get_finished_logs()[0].resource
    assert resource.attributes["service.name"] == "groundup"


class Down:
    """A collector that is not there."""

    def __init__(self, raises):
        self.raises, self.asked = raises, 0

    def export(self, batch):
        self.asked += 1
        if self.raises:
            raise ConnectionError("https://me:hunter22@collector refused")
        return export.LogRecordExportResult.FAILURE

    def shutdown(self):
        pass


@pytest.mark.parametrize("raises", [True, False])
def test_a_collector_that_is_down_is_said_once(raises, tmp_path, capsys):
    down = Down(raises)
    exporter = telemetry.Exporter(down)
    log = Log(tmp_path, "demo", number=0, takers=[exporter])
    for _ in range(2):
        log.write("word")
        exporter.provider.force_flush()
    exporter.close()
    said = capsys.readouterr().err
    assert down.asked >= 2 and said.count("cannot be reached") == 1 and "hunter22" not in said
    assert len(log.path.read_text().splitlines()) == 2


def test_it_is_on_where_the_standard_variables_say_so(monkeypatch):
    for name in (*telemetry.VARIABLES, "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    assert not telemetry.wanted()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    assert telemetry.wanted()
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert not telemetry.wanted()


def test_a_package_that_is_missing_is_named_with_the_pip_line(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"run: pip install 'groundup\[track\]'"):
        telemetry.require()
