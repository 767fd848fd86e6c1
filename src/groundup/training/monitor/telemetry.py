"""The lines of a log for OpenTelemetry: the records that collectors, Grafana, Datadog and their like take.

It is on where the standard variables say so: OTEL_EXPORTER_OTLP_ENDPOINT, or ..._LOGS_ENDPOINT for logs alone (the headers, timeouts
and certificates of the same family are read by OpenTelemetry itself). Attributes are `run`, `rank`, `step`, `sitting`, and the
line's own fields; the service is `groundup` unless OTEL_SERVICE_NAME names another. Lines are sent by a thread in batches; a
collector that is down is named once, and training goes on.
Leaves out: spans and metrics of OpenTelemetry. Steps are lines of metrics.jsonl, and trackers have them.
"""

import importlib.util
import logging
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from groundup import progress
from groundup.errors import missing_extra
from groundup.training.monitor.secrets import redact

VARIABLES = ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
SEVERITIES = {"debug": 5, "info": 9, "warning": 13, "error": 17, "critical": 21}  # numbers of its log data model
HEAD = ("time", "monotonic", "level", "message")
EXTRA = "track"


def wanted() -> bool:
    """Whether the standard variables name a collector."""
    return any(os.environ.get(name) for name in VARIABLES) and os.environ.get("OTEL_SDK_DISABLED", "").lower() != "true"


def require() -> None:
    """Say which package is missing, with the pip line."""
    for package in ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"):
        try:
            found = importlib.util.find_spec(package)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise missing_extra(
                "opentelemetry-sdk" if package.endswith("sdk") else "opentelemetry-exporter-otlp-proto-http", EXTRA
            )


class Exporter:
    """Takes lines of a `Log` and hands them to OpenTelemetry. exporter: one of its own; left out: OTLP over HTTP."""

    def __init__(self, exporter: Any = None, *, run: str = ""):
        if exporter is None:
            require()
            from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

            exporter = OTLPLogExporter()
        from opentelemetry.sdk._logs import LoggerProvider
        from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
        from opentelemetry.sdk.resources import Resource

        watched: Any = _Once(exporter)
        named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "groundup"}
        self.provider = LoggerProvider(resource=Resource.create(named), shutdown_on_exit=False)
        self.provider.add_log_record_processor(BatchLogRecordProcessor(watched, export_timeout_millis=5000))
        self.logger = self.provider.get_logger("groundup")

    def __call__(self, line: Mapping[str, Any]) -> None:
        """Put a line into the batch; returns at once."""
        self.logger.emit(record(line))

    def close(self, patience_s: float = 10.0) -> None:
        """Send what is left, but wait no longer than the patience."""
        closing = threading.Thread(target=self.provider.shutdown, daemon=True)
        closing.start()
        closing.join(patience_s)


def record(line: Mapping[str, Any]) -> Any:
    """A line as OpenTelemetry's record."""
    from opentelemetry._logs import LogRecord, SeverityNumber

    level = line.get("level", "info")
    return LogRecord(
        timestamp=int(line["time"] * 1e9),
        severity_text=level,
        severity_number=SeverityNumber(SEVERITIES.get(level, 9)),
        body=line["message"],
        attributes={name: _attribute(value) for name, value in line.items() if name not in HEAD and value is not None},
    )


def _attribute(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) else str(value)


class _Once:
    """An exporter that names the first failure and is silent about the rest."""

    def __init__(self, exporter: Any):
        self.exporter, self.told = exporter, False
        for name in ("opentelemetry.exporter", "opentelemetry.sdk"):  # their own complaint comes at every batch
            logging.getLogger(name).setLevel(logging.CRITICAL)

    def export(self, batch: Any) -> Any:
        """Send a batch; the library's own word for how it went."""
        return self._watched(lambda: self.exporter.export(batch))

    def _watched(self, send: Callable[[], Any]) -> Any:
        from opentelemetry.sdk._logs.export import LogRecordExportResult

        try:
            result, why = send(), "it did not take the lines"
        except Exception as error:
            result, why = LogRecordExportResult.FAILURE, f"{type(error).__name__}: {error}".splitlines()[0]
        if result != LogRecordExportResult.SUCCESS and not self.told:
            self.told = True
            progress.say(
                f"OpenTelemetry's collector cannot be reached ({redact(why)}); training goes on, logs/ has every line"
            )
        return result

    def shutdown(self) -> None:
        """Close the exporter."""
        self.exporter.shutdown()

    def force_flush(self, timeout_millis: int = 5000) -> bool:
        """Nothing is kept here."""
        return True
