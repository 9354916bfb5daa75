"""A server of the rating endpoints that can be killed: ``python -m tests.dashboard.rating_server HOME PORT``.

Everything heavy is imported once; ``start`` on stdin forks a child that opens the store and serves, and its process id
is printed. Killing the child is killing a server; ``stop`` is answered once a killed child has let go of the store.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import gradio as gr

from t2ialign.dashboard.rate.routes import rate_api, rate_routes
from t2ialign.store import ingest_votes, open_store


def serve(home: Path, port: int) -> None:
    with open_store(home) as store:
        ingest_votes(store)
        with gr.Blocks(analytics_enabled=False) as blocks:
            rate_api(store)
        blocks.queue().launch(
            server_name="127.0.0.1",
            server_port=port,
            quiet=True,
            ssr_mode=False,
            run_history=False,
            enable_monitoring=False,
            app_kwargs={"routes": rate_routes(store)},
        )


def main() -> None:
    home, port = Path(sys.argv[1]), int(sys.argv[2])
    print("ready", flush=True)
    child = 0
    for line in sys.stdin:
        if child:
            os.waitpid(child, 0)
        child = os.fork() if line == "start\n" else 0
        if line == "start\n" and not child:
            serve(home, port)
            os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    main()
