"""LoRA and DoRA adapters of a backbone, and whole UNets in its place: loading, blending, training and saving them.

**Blends.** LoRAs add in weight space: with weights w_l the UNet computes with W + sum_l w_l (alpha_l / r_l) B_l A_l. A
DoRA does not scale that way (at weight 0 it is still not the base), so DoRAs are mixed in the space of predictions.
With e_base the base's prediction, e_L the prediction with all LoRAs of the blend on, and e_d that with DoRA d alone at
full strength,

    e = e_L + sum_d w_d (e_d - e_base)          (e_L = e_base where the blend has no LoRA).

So weight 0 is exactly the base for either kind, weight 1 of a lone DoRA exactly that DoRA, and in between one DoRA is
(1 - w) e_base + w e_d. It costs one evaluation of the UNet for the LoRAs together, one for each DoRA, and one for the
base unless its share is 0. Nothing is computed for adapters of weight 0. Where adapters have a part in a text encoder,
prompt embeddings are blended by the same formula. Whole UNets of a blend (``whole_unets``) are what all of it stands on: they
take the base's place in every term.
"""

from __future__ import annotations

import dataclasses
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from torch import nn

from t2ialign.adapter_places import adapter_sha
from t2ialign.content import sha_of
from t2ialign.diffusion.adapter_files import AdaptedNetwork, AdapterPart, check_file, read_adapter, write_adapter
from t2ialign.diffusion.backbone import Backbone
from t2ialign.diffusion.switch import BASE, Pass, training_the_same
from t2ialign.diffusion.whole_unets import check_unet
from t2ialign.names import unknown
from t2ialign.registry import CheckpointEntry, adapter_file, load_registry
from t2ialign.types import AdapterUse, InputError

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
JOINT_ATTENTION = (*ATTENTION, "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out")  # and the prompt's side of it


def blend(
    backbone: Backbone, uses: Sequence[AdapterUse], checkpoints: Mapping[str, CheckpointEntry] | None = None
) -> Backbone:
    """A view of the backbone with these adapters on, loaded where they were not yet; ``()`` is the base.

    ``checkpoints`` says where each name's adapter lies (the registry's, if not given).
    """
    active = [use for use in uses if use.weight != 0]
    if checkpoints is None:
        checkpoints = load_registry().checkpoints if active else {}
    loras: list[tuple[str, float]] = []
    doras: list[tuple[str, float]] = []
    whole: list[tuple[str, float]] = []
    for use in active:
        if use.name not in checkpoints:
            raise unknown("checkpoint", use.name, checkpoints)
        if checkpoints[use.name].kind == "unet":
            whole.append((load_unet(backbone, checkpoints[use.name], use.sha), use.weight))
            continue
        key = load_adapter(backbone, checkpoints[use.name], use.sha)
        (doras if backbone.switch.loaded[key] == "dora" else loras).append((key, use.weight))
    return dataclasses.replace(backbone, passes=_passes(loras, doras, tuple(whole)))


def weakened(view: Backbone, share: float) -> Backbone:
    """A view with the adapters and UNets of ``view`` at that share of their weights: 0 is the base, 1 the view itself."""
    if share == 1:
        return view
    if share == 0:
        return dataclasses.replace(view, passes=BASE)
    kinds = view.switch.loaded
    on = [(key, scale, one.share) for one in view.passes for key, scale in one.adapters]
    loras = [(key, scale * share) for key, scale, _ in on if kinds[key] == "lora"]
    doras = [(key, part * share) for key, _, part in on if kinds[key] == "dora"]
    whole = {key: weight * share for one in view.passes for key, weight in one.unets}
    return dataclasses.replace(view, passes=_passes(loras, doras, tuple(whole.items())))


def _passes(
    loras: Sequence[tuple[str, float]], doras: Sequence[tuple[str, float]], unets: tuple[tuple[str, float], ...] = ()
) -> tuple[Pass, ...]:
    """The evaluations of a blend of these adapters with these weights, as this module's introduction has it."""
    passes = [Pass(tuple(loras), unets=unets)] if loras else []
    passes += [Pass(((key, 1.0),), weight, unets) for key, weight in doras]
    rest = (0.0 if loras else 1.0) - sum(weight for _, weight in doras)
    if abs(rest) > 1e-12:
        passes.append(Pass((), rest, unets))
    return tuple(passes)


@contextmanager
def reference(backbone: Backbone) -> Iterator[Backbone]:
    """What a policy is compared with, the base without adapters, as the target of a ``with`` statement.

    Within the block every view of this backbone predicts as the base in this thread, the policy's own included; other
    threads wait, so keep it short and never yield from inside it. ``requires_grad`` flags stay as they are. With
    gradient checkpointing evaluate the reference first and the policy last: the backward pass evaluates again with
    whatever is on.
    """
    with backbone.switch.reference():
        yield dataclasses.replace(backbone, passes=BASE)


def load_adapter(backbone: Backbone, entry: CheckpointEntry, sha: str = "") -> str:
    """Loads a checkpoint's adapter into the UNet, switched off, and returns its key there; a loaded one is found again.

    Refused, each with one sentence and nothing left half loaded: a missing, truncated or pickled file, a file that is
    not the one its manifest (or ``sha``, the short form in a config) names, an adapter of another architecture.
    """
    file = adapter_file(entry)
    found = _same(check_file(file, entry), entry, sha)
    key = _key(entry.name, found)
    with backbone.switch.lock:
        if key not in backbone.switch.loaded:
            _inject(backbone, key, read_adapter(file, entry, backbone.unet, backbone.text.encoders))
    return key


def load_unet(backbone: Backbone, entry: CheckpointEntry, sha: str = "") -> str:
    """Checks a checkpoint that is a whole UNet and returns its key; its numbers are read when a view wants them.

    Raises:
        InputError: it is missing or damaged, not the one that its manifest or ``sha`` names, or of another architecture.
    """
    folder = adapter_file(entry)
    found = adapter_sha(folder)
    if entry.sha256 and not entry.sha256.startswith(found):
        raise InputError(f"{folder} is not the UNet that the manifest of {entry.name} names: copy it again.")
    key = _key(entry.name, _same(found, entry, sha))
    with backbone.switch.lock:
        if key not in backbone.switch.weights.folders:
            check_unet(folder, entry.name, backbone.unet, entry.backbone)
            backbone.switch.weights.folders[key] = folder
    return key


def _same(found: str, entry: CheckpointEntry, sha: str) -> str:
    if sha and sha != found:
        raise InputError(f"The adapter {entry.name} has changed since: it was {sha} and is now {found}; generate anew.")
    return found


def add_adapter(
    backbone: Backbone,
    name: str,
    kind: Literal["lora", "dora"] = "lora",
    rank: int = 8,
    alpha: float | None = None,
    targets: Sequence[str] = (),
    start: CheckpointEntry | None = None,
) -> Backbone:
    """A view with a new adapter to train: zero effect at first, or that of ``start`` (whose rank and targets it takes).

    ``targets`` are modules' names, by default all of attention; of a flow model that is the prompt's side too. Its
    parameters are float32 and require gradients; ``adapter_parameters`` lists them. A former one of the same name that was
    never saved is dropped.
    """
    key = _key(name, "")
    with backbone.switch.lock:
        drop_adapter(backbone, name)
        if start is not None:
            if start.kind == "unet":
                raise InputError(
                    f"{start.name} is a whole UNet, and adapters are trained from the backbone or from others."
                )
            file = adapter_file(start)
            check_file(file, start)
            parts = read_adapter(file, start, backbone.unet, backbone.text.encoders)
            check_trainable(parts, start, backbone)
            _inject(backbone, key, parts)
        else:
            from peft import LoraConfig

            config = LoraConfig(
                r=rank,
                lora_alpha=alpha or rank,  # type: ignore[arg-type]  # peft says int, and only divides it by the rank
                target_modules=list(targets or (JOINT_ATTENTION if backbone.flow else ATTENTION)),
                use_dora=kind == "dora",
            )
            with _quietly():
                backbone.unet.add_adapter(config, key)
            backbone.switch.arrived(key, kind)
    view = dataclasses.replace(backbone, passes=(Pass(((key, 1.0),)),))
    for parameter in adapter_parameters(view).values():
        parameter.data = parameter.data.float()
        parameter.requires_grad_(True)
    return view


def adapter_parameters(view: Backbone) -> dict[str, nn.Parameter]:
    """The parameters of the adapters that a view has on, by name."""
    return _parameters_of(view.unet, {key for one in view.passes for key, _ in one.adapters})


def save_adapter(backbone: Backbone, name: str, directory: Path, manifest: Mapping[str, Any]) -> str:
    """Writes the adapter ``name`` (as given to ``add_adapter``) and its manifest, atomically, in diffusers' layout.

    ``manifest`` is kept as it is; ``kind``, ``backbone``, ``backbone_revision``, ``file`` and ``sha256`` are added, so
    that a folder among the checkpoints is a checkpoint of the registry. Returns the adapter's short SHA-256.
    """
    key = _key(name, "")
    if key not in backbone.switch.loaded:
        raise InputError(f"There is no adapter {name!r} in training to save.")
    kind = backbone.switch.loaded[key]
    said = {"kind": kind, "backbone": backbone.entry.name, "backbone_revision": backbone.revision}
    network = AdaptedNetwork(backbone.unet, key, backbone.entry.family)
    return sha_of(write_adapter(network, directory, {**manifest, **said}))


def drop_adapter(backbone: Backbone, name: str) -> None:
    """Forgets the adapter ``name`` of ``add_adapter``, if there is one; views that had it on must not be used again."""
    key = _key(name, "")
    with backbone.switch.lock:
        if key in backbone.switch.loaded:
            # peft turns to another adapter, as if to train that one
            with _quietly(), training_the_same(backbone.unet.parameters()):
                backbone.unet.delete_adapters(key)
            backbone.switch.left(key)


def _key(name: str, sha: str) -> str:
    """The adapter's name within peft, where no dots may be; a new file under the same name is a new adapter."""
    return f"{re.sub(r'[^A-Za-z0-9]', '_', name)}__{sha or 'training'}"


def check_trainable(parts: Sequence[AdapterPart], entry: CheckpointEntry, backbone: Backbone) -> None:
    """Refuses what has a part beyond the UNet: only UNets are trained, merged and saved, and that part would be lost."""
    if any(part.model is not backbone.unet for part in parts):
        raise InputError(
            f"{entry.name} adapts a text encoder too, and only adapters of the UNet are trained and merged here: start "
            "from one that leaves the text encoder alone, or blend it live."
        )


def _inject(backbone: Backbone, key: str, parts: Sequence[AdapterPart]) -> None:
    """Puts checked tensors into their models as adapter ``key``, frozen."""
    from peft import LoraConfig, inject_adapter_in_model, set_peft_model_state_dict

    backbone.switch.changed()
    for part in parts:
        with _quietly():
            if part.model is backbone.unet:
                network: Any = backbone.unet
                network.load_lora_adapter(part.tensors, prefix=None, adapter_name=key, metadata=part.settings)
            else:
                inject_adapter_in_model(LoraConfig(**part.settings), part.model, key)
                set_peft_model_state_dict(part.model, part.tensors, adapter_name=key)
        for parameter in _parameters_of(part.model, [key]).values():
            parameter.requires_grad_(False)
        if part.model is not backbone.unet:
            backbone.switch.with_text.add(key)
    backbone.switch.arrived(key, "dora" if any(part.settings["use_dora"] for part in parts) else "lora")


@contextmanager
def _quietly() -> Iterator[None]:
    """Several adapters in one UNet are meant, though peft warns of them, and of those left when one goes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Already found a `peft_config`")
        warnings.filterwarnings("ignore", message="Adapter .* was active which is now deleted")
        yield


def _parameters_of(unet: nn.Module, keys: Iterable[str]) -> dict[str, nn.Parameter]:
    parts = [re.compile(rf"\.{re.escape(key)}(\.|$)") for key in keys]
    return {name: parameter for name, parameter in unet.named_parameters() if any(part.search(name) for part in parts)}
