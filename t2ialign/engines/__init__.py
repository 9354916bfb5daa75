"""Where long work runs: ``local`` keeps it in one background thread of this process, so that no page owns it."""

from t2ialign.engines.local import EngineTask, LocalEngine

__all__ = ["LocalEngine", "EngineTask"]
