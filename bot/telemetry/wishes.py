"""What telemetry is asked for, by OpenTelemetry's own variables."""

from collections.abc import Mapping
from dataclasses import dataclass

PREFIX = "OTEL_"
_ENDPOINT = "OTEL_EXPORTER_OTLP_{}ENDPOINT"
_PROTOCOL = "OTEL_EXPORTER_OTLP_{}PROTOCOL"
_HEADERS = "OTEL_EXPORTER_OTLP_{}HEADERS"
_CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
PROTOCOLS = ("http/protobuf", "grpc")
_YES = frozenset({"true", "1", "span_only", "span_and_event"})


class TelemetryError(Exception):
    """One sentence per variable that is wrong, or package that is missing."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@dataclass(frozen=True, slots=True)
class Wishes:
    """Protocols by which to send; empty: not sent."""

    traces: str = ""
    metrics: str = ""
    content: bool = False
    """Spans carry what tools were given and gave, shortened and redacted."""
    by_workspace: bool = False
    """Figures carry the workspace."""
    disabled: bool = False
    """The SDK is switched off altogether, figures for Prometheus too."""

    @property
    def sends(self) -> bool:
        """Whether anything leaves this process."""
        return bool(self.traces or self.metrics)

    @classmethod
    def of(cls, environment: Mapping[str, str], *, by_workspace: bool = False) -> "Wishes":
        """TelemetryError when a variable asks for what there is not."""
        if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
            return cls(disabled=True)
        content = environment.get(_CONTENT, "").lower() in _YES
        wishes = cls(_sent(environment, "TRACES"), _sent(environment, "METRICS"), content, by_workspace)
        if wishes.sends:
            _check_headers(environment)
        return wishes


def _check_headers(environment: Mapping[str, str]) -> None:
    """The SDK would quote a header it cannot read in the log: most hold a token."""
    for name in (_HEADERS.format(part) for part in ("", "TRACES_", "METRICS_")):
        if not all("=" in one for one in environment.get(name, "").split(",") if one.strip()):
            raise TelemetryError([f"{name}: write name=value,name=value."])


def _sent(environment: Mapping[str, str], signal: str) -> str:
    """The protocol of a signal; empty without an endpoint, or when its exporter is `none`."""
    if not (environment.get(_ENDPOINT.format("")) or environment.get(_ENDPOINT.format(f"{signal}_"))):
        return ""
    exporter = environment.get(f"OTEL_{signal}_EXPORTER") or "otlp"
    if exporter == "none":
        return ""
    if exporter != "otlp":
        raise TelemetryError([f"OTEL_{signal}_EXPORTER: this bot sends by otlp (or none) only, not {exporter!r}."])
    own, general = _PROTOCOL.format(f"{signal}_"), _PROTOCOL.format("")
    protocol = environment.get(own) or environment.get(general) or PROTOCOLS[0]
    if protocol not in PROTOCOLS:
        known = " and ".join(PROTOCOLS)
        raise TelemetryError([f"{own if own in environment else general}: there are {known}, not {protocol!r}."])
    return protocol
