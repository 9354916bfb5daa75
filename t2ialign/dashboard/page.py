"""The whole page: header, tabs, and what the server is told at launch."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from t2ialign.dashboard.align import page as align
from t2ialign.dashboard.api.metrics import metrics_route
from t2ialign.dashboard.api.publish import publish
from t2ialign.dashboard.explore import page as explore
from t2ialign.dashboard.gradio_queue import share_queue
from t2ialign.dashboard.gradio_sessions import keep_no_copies
from t2ialign.dashboard.gradio_signatures import keep_signatures
from t2ialign.dashboard.grid import page as grid
from t2ialign.dashboard.rate.routes import rate_api, rate_routes
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner, reading, theme
from t2ialign.dashboard.shared.early_head import EarlyHead
from t2ialign.dashboard.shared.gate import Gate
from t2ialign.dashboard.shared.headers import SafeHeaders
from t2ialign.dashboard.shared.health import health_route
from t2ialign.dashboard.shared.owner_lock import wire_sign_in
from t2ialign.dashboard.shared.pictures import picture_routes
from t2ialign.dashboard.shared.refusals import Refusals
from t2ialign.dashboard.shared.same_page import SamePage
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.unknown import KnownStreams, refuse_unread, unknown_handlers
from t2ialign.dashboard.shared.wiring import asset
from t2ialign.dashboard.study import page as study
from t2ialign.dashboard.sweep import page as sweep
from t2ialign.dashboard.theory import page as theory
from t2ialign.dashboard.tradeoff import page as tradeoff

NAME = "t2ialign"
TABS = {
    "explore": explore,
    "grid": grid,
    "tradeoff": tradeoff,
    "align": align,
    "study": study,
    "theory": theory,
}
"""The tabs in order. Each is a page's module with ``TITLE`` and ``build(services)``; pages meet only in the store."""
BESIDE = {"grid": ("Two or three settings", {"sweep": sweep})}
"""Pages that share a tab with another one, because seven tabs do not fit a phone: what that one is called within it."""
OUTER, INNER = "t2-tabs", "t2-beside"  # the elements of the tabs, and of those within a tab
HEADER = render("shared/header.html")
WORKERS = 16
# How long the queue waits when nobody has asked, and when nothing tells its progress. Gradio's own 0.001 and 0.01 cost 6 %
# of a core at rest.
QUEUE_LOOK_SECONDS = (0.02, 0.1)
SESSIONS = 500  # open pages whose state is kept; whoever asks with invented ids pushes out the oldest
PROXIES = (
    "FORWARDED_ALLOW_IPS"  # uvicorn's: whose X-Forwarded-For is believed; its default would be any of this machine
)
EXPORTS_KEPT = (3600, 24 * 3600)  # seconds: how often old files are looked for, and when a file is old


def build_dashboard(services: Services) -> gr.Blocks:
    """The page with every tab, ready to be launched with ``launch_options``."""
    keep_no_copies()
    keep_signatures()
    with gr.Blocks(title=NAME, analytics_enabled=False, fill_width=True, delete_cache=EXPORTS_KEPT) as blocks:
        publish(services)  # before the pages, whose handlers would have taken the names
        gr.HTML(HEADER, js_on_load=asset("shared/header.js"), apply_default_css=False, elem_id="t2-top")
        with gr.Tabs(elem_id=OUTER):
            for name, tab in TABS.items():
                with gr.Tab(tab.TITLE, id=name) as page:
                    _build(services, name, tab)
                page.select(
                    None, None, None, js=asset("shared/tab.js").replace("__TAB__", name), show_progress="hidden"
                )
        if services.shipped.sentence:
            reading.wire(services, blocks)
        wire_sign_in(blocks)
        rate_api(services.store, services.visits.count_survey)
    queued: gr.Blocks = blocks.queue(default_concurrency_limit=WORKERS)
    share_queue(queued)
    refuse_unread(queued)
    queued._queue.sleep_when_free, queued._queue.progress_update_sleep_when_free = QUEUE_LOOK_SECONDS
    return queued


def _build(services: Services, name: str, tab: Any) -> None:
    """A tab's page; where others stand beside it, all of them under small tabs of their own."""
    if name not in BESIDE:
        tab.build(services)
        return
    title, others = BESIDE[name]
    with gr.Tabs(elem_id=INNER):
        for own, label, page in [(name, title, tab), *((own, page.TITLE, page) for own, page in others.items())]:
            with gr.Tab(label, id=f"{own}-beside") as part:
                page.build(services)
            part.select(None, None, None, js=asset("shared/beside.js").replace("__TAB__", own), show_progress="hidden")


def addresses() -> dict[str, dict[str, str]]:
    """The tabs that ``?tab=NAME`` opens: by name, the tab of each row of tabs, whose element's id is the key."""
    alone = {name: {OUTER: name} for name in TABS if name not in BESIDE}
    beside = {
        own: {OUTER: outer, INNER: f"{own}-beside"} for outer, (_, others) in BESIDE.items() for own in (outer, *others)
    }
    return alone | beside


def serve(services: Services, begun: Callable[[], None] = lambda: None, **where: Any) -> None:
    """Shows the page, ``where`` ``launch`` is told, until the process is stopped; afterwards nothing is answered.

    ``begun`` is called once it answers.
    """
    os.environ.setdefault(PROXIES, "")
    blocks = build_dashboard(services)
    try:
        blocks.launch(**launch_options(services), prevent_thread_lock=True, **where)
        gc.freeze()  # what stands now stays: no collection need look at it again
        gc.enable()
        begun()
        blocks.block_thread()
    finally:
        blocks.close(verbose=False)


def launch_options(services: Services) -> dict[str, Any]:
    """What ``launch`` is told: the look, the pictures' addresses, and that nothing leaves this machine."""
    return {
        "theme": theme.theme(),
        "app_kwargs": {
            "middleware": [
                Middleware(SafeHeaders),
                Middleware(Gate, visits=services.visits),
                Middleware(Refusals),
                Middleware(SamePage),
                Middleware(EarlyHead, head=theme.head(addresses())),
                Middleware(KnownStreams),
            ],
            "exception_handlers": unknown_handlers(),
            "routes": [
                health_route(services.store),
                metrics_route(services),
                *picture_routes(services.store),
                *rate_routes(services.store, services.visits.count_survey),
            ],
        },
        "allowed_paths": [services.exports.name],
        "state_session_capacity": SESSIONS,
        "footer_links": [],
        "run_history": False,
        "ssr_mode": False,
        "enable_monitoring": False,
        "mcp_server": find_spec("mcp") is not None,
        "show_error": False,  # sentences of ours are shown by themselves; what else goes wrong is for the log
        "max_file_size": f"{services.visits.limits.upload_mb}mb" if owner.guarded() else None,
    }
