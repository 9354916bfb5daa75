"""A checkpoint's folder as a repository of the Hub."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import HfApi

from t2ialign.hub.api import Api, in_plain_words


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
