"""The page: gradio lives here and nowhere else.

``serve(services)`` shows it until the process is stopped. A tab is a file in ``tabs``; its handlers are plain
functions of services and values (``exploring``, ``weighing``), its components come from ``panels``, its HTML from ``parts``.
"""

from __future__ import annotations

from t2ialign.dashboard.page import build_dashboard, launch_options, serve
from t2ialign.dashboard.services import Services, open_services

__all__ = ["Services", "build_dashboard", "launch_options", "open_services", "serve"]
