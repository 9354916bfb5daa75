"""A checkpoint's folder as a repository of the Hub, and back."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import HfApi

from t2ialign.hub.api import Api, in_plain_words

FILES = ["*.safetensors", "*.json", "README.md"]


def push_checkpoint(folder: Path, repo_id: str, private: bool = True, api: Api | None = None) -> str:
    """Upload the folder that ``use_cases.publish.folder`` wrote; returns its address.

    A repository that exists stays as visible as it is.

    Raises:
        InputError: no such right, or no way to the Hub.
    """
    hub = api or HfApi()
    with in_plain_words(repo_id):
        hub.create_repo(repo_id, repo_type="model", private=private, exist_ok=True)
        hub.upload_folder(
            repo_id=repo_id, repo_type="model", folder_path=folder, commit_message=f"{folder.name}, with its trade-off"
        )
    return f"https://huggingface.co/{repo_id}"


def pull_checkpoint(repo_id: str, folder: Path, revision: str = "", api: Api | None = None) -> None:
    """Downloads what ``push_checkpoint`` uploaded, without its pictures, into ``folder``.

    Raises:
        InputError: no such repository, or no way to the Hub.
    """
    hub = api or HfApi()
    with in_plain_words(repo_id):
        hub.snapshot_download(
            repo_id, repo_type="model", local_dir=str(folder), allow_patterns=FILES, revision=revision or None
        )
