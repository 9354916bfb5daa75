"""The page: gradio lives here and nowhere else.

``serve(services)`` shows it until the process is stopped. Each page has a folder with all that is its own: ``page.py``
wires its events, ``handlers.py`` holds plain functions of services and values, ``*_view.py`` its components and HTML,
``assets/`` its scripts and styles. What several pages use lies in ``shared/``; pages do not import each other.
"""

from __future__ import annotations

from t2ialign.dashboard import gradio_stubs  # before anything imports Gradio
from t2ialign.dashboard.page import build_dashboard, launch_options, serve
from t2ialign.dashboard.services import Services, open_services

__all__ = ["Services", "build_dashboard", "launch_options", "open_services", "serve"]
