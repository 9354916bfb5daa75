"""Where adapters lie: on this machine or at the Hub, under which of the names that programs give them, and who they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from t2ialign.content import CONFIG, adapts_text, cached, cached_names, identity, sha_of, unet_weights
from t2ialign.network import Show, reaching, unwatched, why_offline
from t2ialign.types import InputError, content_key

MANIFEST = "manifest.json"
ADAPTER_FILE = "pytorch_lora_weights.safetensors"
PEFT_FILE, PEFT_CONFIG = "adapter_model.safetensors", "adapter_config.json"


@dataclass(frozen=True)
class HubAdapter:
    """An adapter of a repository of the Hub, for the checkpoint ``title``.

    It is ``file``, else ("") what diffusers writes, else peft's, else the only safetensors. ``revision`` "" is main.
    """

    repository: str
    file: str = ""
    revision: str = ""
    title: str = ""

    @property
    def name(self) -> str:
        return f"{self.file} of {self.repository}" if self.file else self.repository

    def found(self) -> Path | None:
        """The file, if the Hub's cache on this machine has it."""
        found = cached(self.repository, ADAPTER_FILE, self.revision) if not self.file else None
        if found is None and (names := cached_names(self.repository, self.revision)):
            name = self.file or _one_adapter(self.repository, names)
            whole = _name(name) != PEFT_FILE or cached(self.repository, _beside(name, PEFT_CONFIG), self.revision)
            found = cached(self.repository, name, self.revision) if name and whole else None
        return found

    def fetch(self, show: Show = unwatched) -> Path:
        """The file, fetched where it is not here.

        Raises:
            InputError: the Hub is out of reach, or the repository holds none or several to choose from.
        """
        return self.found() or self._fetched()

    def _fetched(self) -> Path:
        from huggingface_hub import HfApi, constants, hf_hub_download

        repository, revision = self.repository, self.revision or None
        if why := why_offline():
            raise InputError(
                f"The adapter {self.title} is not on this machine and t2ialign cannot reach the Hub ({why}): connect once to "
                f"fetch {repository}."
            )
        with reaching(f"The adapter {self.title} of {repository}", constants.ENDPOINT):
            offered = HfApi().list_repo_files(repository, revision=revision)
        name = self.file or _one_adapter(repository, offered)
        if name not in offered:
            raise InputError(
                f"{repository} on the Hub holds no {name or f'adapter ({ADAPTER_FILE}, {PEFT_FILE} or a single other)'}: "
                "name another file or repository."
            )
        config = _beside(name, PEFT_CONFIG)
        with reaching(f"{name} of {repository}", constants.ENDPOINT):
            if _name(name) == PEFT_FILE and config in offered:
                hf_hub_download(repository, config, revision=revision)
            return Path(hf_hub_download(repository, name, revision=revision))


def _one_adapter(repository: str, names: Iterable[str]) -> str:
    """Which file of a repository is its adapter: diffusers' name, peft's, or the only safetensors; "" where there is none.

    Files in sub-folders (steps of a training, mostly) count only where none lies at the top.

    Raises:
        InputError: several would do.
    """
    weights = sorted(name for name in names if name.endswith(".safetensors"))
    found = [name for name in weights if "/" not in name] or weights
    usual = [name for name in (ADAPTER_FILE, PEFT_FILE) if name in found]
    if not usual and len(found) > 1:
        raise InputError(
            f"{repository} holds several files that could be its adapter ({', '.join(found[:4])}): say which in the registry, "
            f'as hub = "{repository}/{found[0]}".'
        )
    return next(iter(usual or found), "")


def _name(file: str) -> str:
    return file.rpartition("/")[2]


def _beside(file: str, name: str) -> str:
    return file[: -len(_name(file))] + name if file else name


def usual_file(folder: Path) -> str:
    """The adapter of a folder that names none: peft's, where only that is there."""
    return PEFT_FILE if (folder / PEFT_FILE).is_file() and not (folder / ADAPTER_FILE).is_file() else ADAPTER_FILE


def peft_config(file: Path) -> Path | None:
    """What says an adapter's scale beside it, in a folder of peft's; None where the file itself says it."""
    config = file.with_name(PEFT_CONFIG)
    return config if file.name == PEFT_FILE and config.is_file() else None


def adapter_sha(file: Path) -> str:
    """Identity of an adapter: first 16 hex digits of its file's SHA-256, with peft's configuration where that counts.

    Of a whole UNet that of its weights and configuration. A part for a text encoder counts by itself: pictures that were made
    without it, before it was loaded, are others.
    """
    if file.is_dir():
        return identity(unet_weights(file), [one for one in (file / CONFIG,) if one.is_file()])
    config = peft_config(file)
    found = identity([file], [config]) if config else sha_of(file)
    return content_key([found, "text"]) if adapts_text(file) else found
