"""The Hub as far as it is written to, and what goes wrong there in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from t2ialign.types import InputError


class NoRepository(InputError):
    """The repository does not exist, or this token may not know of it."""


@runtime_checkable
class Api(Protocol):
    """``huggingface_hub.HfApi``, as far as it is used here."""

    def create_repo(self, repo_id: str, **options: Any) -> Any: ...

    def upload_folder(self, **options: Any) -> Any: ...

    def snapshot_download(self, repo_id: str, **options: Any) -> Any: ...


@contextmanager
def in_plain_words(repo_id: str) -> Iterator[None]:
    """What goes wrong at the Hub as one sentence (``InputError``, ``NoRepository``)."""
    try:
        yield
    except RepositoryNotFoundError as error:
        raise NoRepository(f"There is no repository {repo_id} on the Hub that your token may use.") from error
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "no answer"
        raise InputError(
            f"The Hub refused {repo_id} ({status}): use a token that may write to it (hf auth login; on a Space the "
            "secret HF_TOKEN)."
        ) from error
    except Exception as error:  # what a missing network raises is spread over several libraries
        said = str(error).partition("\n")[0][:120]
        raise InputError(f"The Hub cannot be reached for {repo_id} ({said}): try again later.") from error
