"""The dashboard, on a laptop and on a Space: settings, votes, store, page."""

from __future__ import annotations

import signal
import sys

from t2ialign import settings
from t2ialign.dashboard import open_services, serve
from t2ialign.hub.votes_dataset import kept_votes
from t2ialign.types import InputError
from t2ialign.use_cases.workbench import open_workbench, watched_inbox


def main() -> None:
    """Open the store and serve the page until it is stopped, also by ``SIGTERM``, as Spaces are."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with kept_votes(settings.HOME, settings.VOTES_DATASET) as trouble, open_workbench(share=False) as bench:
            services = open_services(bench, trouble)
            with watched_inbox(bench), services.supervisor:
                serve(services)
    except InputError as error:
        print(error, file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
