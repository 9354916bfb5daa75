"""The encoder tests import transformers and open_clip themselves, and both want torchvision."""

from __future__ import annotations

from t2ialign import torchvision_guard

torchvision_guard.install()
