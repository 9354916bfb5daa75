"""``GET /metrics``: how the server fares, in the text format that Prometheus reads. It names nobody and nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import cast

import psutil
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from t2ialign import __version__
from t2ialign.dashboard.services import Services
from t2ialign.types import InputError


def metrics_route(services: Services) -> Route:
    """What a scrape is answered."""
    registry = CollectorRegistry()
    registry.register(cast(Collector, _Numbers(services)))

    def answer(request: Request) -> Response:
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return Route("/metrics", answer)


@dataclass(frozen=True, eq=False)
class _Numbers:
    """Reads the numbers when they are asked for, so that nothing counts in between."""

    services: Services

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        services = self.services
        version = GaugeMetricFamily("t2ialign_info", "The version that runs.", labels=("version",))
        version.add_metric((__version__,), 1)
        yield version
        yield _gauge("t2ialign_up", "1 while the store answers.", lambda: _count(services, "SELECT 1"))
        yield _gauge("t2ialign_queue_runs", "Runs that wait or work.", lambda: len(services.engine.unfinished()))
        yield _gauge("t2ialign_memory_bytes", "What this process holds.", lambda: psutil.Process().memory_info().rss)
        for name, sql in TABLES.items():
            yield _gauge(f"t2ialign_{name}", f"{name.capitalize()} in the store.", partial(_count, services, sql))
        jobs = GaugeMetricFamily("t2ialign_jobs", "Jobs by status.", labels=("status",))
        for status, count in _rows(services, "SELECT status, count(*) FROM jobs GROUP BY status ORDER BY status"):
            jobs.add_metric((str(status),), count)
        yield jobs


TABLES = {
    "runs": "SELECT count(*) FROM runs",
    "cells": "SELECT count(*) FROM cells",
    "pictures": "SELECT count(*) FROM images",
    "votes": "SELECT count(*) FROM votes",
}


def _gauge(name: str, says: str, value: Callable[[], float]) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, says, value=value())


def _count(services: Services, sql: str) -> float:
    return next((row[1] for row in _rows(services, sql)), 0.0)


def _rows(services: Services, sql: str) -> list[tuple[object, float]]:
    """Nothing where the store does not answer: ``t2ialign_up`` says so."""
    try:
        return [(row[0], float(row[-1])) for row in services.store.rows(sql)]
    except InputError:
        return []
