"""The dashboard, on a laptop and on a Space: settings, store, page."""

from __future__ import annotations

import sys

from t2ialign.dashboard import build_dashboard, launch_options, open_services
from t2ialign.experiments.workbench import open_workbench, watched_inbox
from t2ialign.types import InputError


def main() -> None:
    """Open the store and serve the page until it is stopped."""
    try:
        with open_workbench(share=False) as bench:
            services = open_services(bench)
            with watched_inbox(bench), services.supervisor:
                build_dashboard(services).launch(**launch_options(services))
    except InputError as error:
        print(error, file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
