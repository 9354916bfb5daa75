"""A stand-in for the Hub on this disk."""

from __future__ import annotations

import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
from huggingface_hub.errors import RepositoryNotFoundError


@dataclass
class DiskHub:
    """What ``HfApi`` does, on a folder."""

    root: Path
    private: dict[str, bool] = field(default_factory=dict)
    squashed: int = 0
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def create_repo(self, repo_id: str, repo_type: str, private: bool, exist_ok: bool) -> Any:
        self.private.setdefault(repo_id, private)
        (self.root / repo_id).mkdir(parents=True, exist_ok=True)
        return SimpleNamespace(repo_id=repo_id)

    def upload_folder(self, repo_id: str, repo_type: str, folder_path: Path, commit_message: str) -> None:
        shutil.copytree(folder_path, self.root / repo_id, dirs_exist_ok=True)

    def create_commit(self, repo_id: str, operations: list, **_: Any) -> None:
        for operation in operations:
            target = self.root / repo_id / operation.path_in_repo
            target.parent.mkdir(parents=True, exist_ok=True)
            with operation.as_file() as file:
                target.write_bytes(file.read())

    def super_squash_history(self, **_: Any) -> None:
        self.squashed += 1

    def run_as_future(self, deed: Any) -> Future:
        return self.pool.submit(deed)

    def snapshot_download(
        self, repo_id: str, repo_type: str, local_dir: str, allow_patterns: Any = "", revision: Any = None
    ) -> None:
        if not (self.root / repo_id).exists():
            raise missing()
        shutil.copytree(self.root / repo_id, local_dir, dirs_exist_ok=True)


def missing() -> RepositoryNotFoundError:
    try:
        response = httpx.Response(404, request=httpx.Request("GET", "https://huggingface.co"))
        return RepositoryNotFoundError("no such repository", response=response)
    except Exception:
        return RepositoryNotFoundError.__new__(RepositoryNotFoundError)
