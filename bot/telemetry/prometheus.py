"""The same figures as Prometheus reads them."""

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder


class Exposition:
    """A page of all figures, made when it is asked for."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.reader = PrometheusMetricReader(scope_info_enabled=False, registry=self._registry)

    def page(self, accept: str) -> tuple[bytes, str]:
        """The page in a format that the reader takes, and its content type."""
        try:
            encoder, content_type = choose_encoder(accept)
        except (TypeError, ValueError):  # a version that is none
            encoder, content_type = choose_encoder("")
        return encoder(self._registry), content_type
