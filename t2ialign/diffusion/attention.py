"""What a UNet attends to, recorded while it predicts: diffusers' plain attention instead of the fused one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from t2ialign.guidance.needs import AttentionMap

if TYPE_CHECKING:
    from diffusers.models.attention_processor import Attention


@contextmanager
def recording(unet: nn.Module) -> Iterator[list[AttentionMap]]:
    """Within it every evaluation of the UNet adds its maps to the list, layer by layer; hold the adapters' lock meanwhile.

    Predictions stay what they are, up to rounding: the fused attention that is used otherwise has no maps to show.
    """
    from diffusers.models.attention_processor import Attention

    maps: list[AttentionMap] = []
    layers = [module for module in unet.modules() if isinstance(module, Attention)]
    processors = [layer.processor for layer in layers]
    for layer in layers:
        layer.set_processor(_Recorder(maps))  # type: ignore[arg-type]  # any callable of its signature will do
    try:
        yield maps
    finally:
        for layer, processor in zip(layers, processors, strict=True):
            layer.set_processor(processor)


class _Recorder:
    """Diffusers' own processor, whose scores are kept on the way."""

    def __init__(self, maps: list[AttentionMap]) -> None:
        from diffusers.models.attention_processor import AttnProcessor

        self.maps = maps
        self.plain = AttnProcessor()

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        *args: Any,
        **options: Any,
    ) -> Tensor:
        scores = attn.get_attention_scores

        def kept(query: Tensor, key: Tensor, attention_mask: Tensor | None = None) -> Tensor:
            found = scores(query, key, attention_mask)
            self.maps.append(
                AttentionMap(encoder_hidden_states is not None, found.view(-1, attn.heads, *found.shape[1:]).mean(1))
            )
            return found

        attn.get_attention_scores = kept  # type: ignore[method-assign]
        try:
            output: Tensor = self.plain(attn, hidden_states, encoder_hidden_states, *args, **options)
            return output
        finally:
            del attn.get_attention_scores
