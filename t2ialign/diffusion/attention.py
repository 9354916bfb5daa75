"""What a UNet attends to, recorded while it predicts, by diffusers' plain attention instead of the fused one; and changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from jaxtyping import Float
from torch import Tensor, nn

from t2ialign.guidance.needs import AttentionMap

if TYPE_CHECKING:
    from diffusers.models.attention_processor import Attention


@contextmanager
def recording(unet: nn.Module, cross_only: bool = False) -> Iterator[list[AttentionMap]]:
    """Within it every evaluation of the UNet adds its maps to the list, layer by layer; hold the adapters' lock meanwhile.

    Predictions stay what they are, up to rounding: the fused attention that is used otherwise has no maps to show.
    ``cross_only`` leaves the picture's attention to itself out, whose maps are the largest.
    """
    maps: list[AttentionMap] = []
    with _replaced(unet, lambda processor: _Recorder(maps), cross_only):
        yield maps


@contextmanager
def passing_on(unet: nn.Module, values: Float[Tensor, "b l d"]) -> Iterator[None]:
    """Within it cross-attention passes on ``values`` where it looks by the prompt; hold the adapters' lock meanwhile."""
    with _replaced(unet, lambda processor: _PassingOn(processor, values), True):
        yield


@contextmanager
def _replaced(unet: nn.Module, other: Callable[[Any], Any], cross_only: bool) -> Iterator[None]:
    """Within it the layers of attention work by other processors, each made of the one it had."""
    from diffusers.models.attention_processor import Attention

    found = [module for module in unet.modules() if isinstance(module, Attention)]
    layers = [layer for layer in found if layer.is_cross_attention or not cross_only]
    processors = [layer.processor for layer in layers]
    for layer, processor in zip(layers, processors, strict=True):
        layer.set_processor(other(processor))
    try:
        yield
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


class _PassingOn:
    """A layer's own processor at work on a layer whose values come from somewhere else."""

    def __init__(self, processor: Any, values: Tensor) -> None:
        self.processor = processor
        self.values = values

    def __call__(self, attn: Attention, hidden_states: Tensor, *args: Any, **options: Any) -> Tensor:
        output: Tensor = self.processor(_Changed(attn, self.values), hidden_states, *args, **options)
        return output


class _Changed:
    """A layer of attention in all but its values."""

    def __init__(self, attn: Attention, values: Tensor) -> None:
        self.attn = attn
        self.values = values

    def to_v(self, _: Tensor) -> Tensor:
        found: Tensor = self.attn.to_v(self.values)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.attn, name)
