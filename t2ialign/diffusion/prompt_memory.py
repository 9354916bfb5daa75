"""Embeddings of the prompts that were encoded last, so that a sweep's cells do not encode one prompt again and again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from t2ialign.diffusion.text import PromptEmbeds

MOST = 48  # prompts
MOST_BYTES = 256 * 2**20  # SD-1.5's take 0.2 MB a prompt, those of FLUX.2 dev 16 MB


@dataclass
class PromptMemory:
    """What was encoded last, on the CPU: at most ``MOST`` prompts and ``MOST_BYTES``, the one longest not asked for goes first.

    A key says all that embeddings depend on but the encoders, whose memory this is: text, role, and adapters that are on.
    """

    _kept: OrderedDict[Hashable, PromptEmbeds] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def recall(self, key: Hashable, encode: Callable[[], PromptEmbeds]) -> PromptEmbeds:
        """What is kept under a key, made where nothing is. Not to be written into."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = encode().to("cpu")
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > MOST or (len(self._kept) > 1 and self._bytes() > MOST_BYTES):
                self._kept.popitem(last=False)
        return made

    def _bytes(self) -> int:
        return sum(bytes_of(one) for one in self._kept.values())


def bytes_of(embeds: PromptEmbeds) -> int:
    """The room that embeddings take."""
    tensors = (embeds.prompt_embeds, embeds.pooled_prompt_embeds, embeds.mask)
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors if tensor is not None)
