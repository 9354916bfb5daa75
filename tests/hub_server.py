"""A Hub of a few files on this machine: listings, digests, ranges; it can refuse, and cut what it sends."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

LARGE = (".safetensors", ".pt", ".pth", ".bin", ".zip")


@dataclass
class Hub:
    """``files`` by repository and name, all of one ``commit``. ``cut`` bytes go out with the next file and then nothing;
    ``refuse`` is a status and an error code that every question gets; ``licence`` is what model cards say."""

    address: str = ""
    commit: str = "a" * 40
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    cut: int | None = None
    refuse: tuple[int, str] | None = None
    lie: bool = False
    licence: str = ""
    asked: list[str] = field(default_factory=list)

    def listing(self, repository: str) -> dict[str, Any]:
        named = [self._sibling(name, data) for name, data in self.files[repository].items()]
        card = {"cardData": {"license": self.licence}} if self.licence else {}
        return {
            "_id": "1",
            "id": repository,
            "sha": self.commit,
            "siblings": named,
            "tags": [],
            "private": False,
            **card,
        }

    def tree(self, repository: str) -> list[dict[str, Any]]:
        rows = []
        for name, data in self.files[repository].items():
            said = self._sibling(name, data)
            lfs = (
                {"lfs": {"oid": said["lfs"]["sha256"], "size": len(data), "pointerSize": 100}} if "lfs" in said else {}
            )
            rows.append({"type": "file", "path": name, "size": len(data), "oid": said["blobId"], **lfs})
        return rows

    def digest(self, name: str, data: bytes) -> str:
        if name.endswith(LARGE):
            return hashlib.sha256(data).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    def _sibling(self, name: str, data: bytes) -> dict[str, Any]:
        known = self.digest(name, data if not self.lie else data + b"!")
        git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        lfs = {"lfs": {"sha256": known, "size": len(data), "pointerSize": 100}} if name.endswith(LARGE) else {}
        return {"rfilename": name, "size": len(data), "blobId": git, **lfs}


class Handler(BaseHTTPRequestHandler):
    """What the Hub answers, as far as downloads ask."""

    hub: Hub

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_POST(self) -> None:
        """What some of a repository's files are, with the commit that they are of."""
        self.hub.asked.append(f"POST {self.path}")
        wanted = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())["paths"]
        repository = "/".join(self.path.removeprefix("/api/models/").split("/")[:2])
        commit = {"lastCommit": {"id": self.hub.commit, "title": "all", "date": "2026-01-01T00:00:00.000Z"}}
        said = [row | commit for row in self.hub.tree(repository) if row["path"] in wanted]
        self._send(200, json.dumps(said).encode(), {"Content-Type": "application/json"}, True)

    def _answer(self, body: bool) -> None:
        path = self.path.partition("?")[0]
        self.hub.asked.append(f"{self.command} {path} {self.headers.get('Range', '')}".strip())
        if path == "/":
            return self._send(200, b"", {}, body)
        if self.hub.refuse:
            status, code = self.hub.refuse
            return self._send(status, b"{}", {"X-Error-Code": code} if code else {}, body)
        if path.startswith("/api/models/"):
            return self._about(path.removeprefix("/api/models/"), body)
        owner, name, _, _, file = path.strip("/").split("/", 4)
        data = self.hub.files.get(f"{owner}/{name}", {}).get(file)
        if data is None:
            return self._send(404, b"{}", {"X-Error-Code": "EntryNotFound"}, body)
        return self._file(file, data, body)

    def _about(self, rest: str, body: bool) -> None:
        repository = "/".join(rest.split("/")[:2])
        if repository not in self.hub.files:
            return self._send(401, b"{}", {"X-Error-Code": "RepoNotFound"}, body)
        said = self.hub.tree(repository) if "/tree/" in rest else self.hub.listing(repository)
        return self._send(200, json.dumps(said).encode(), {"Content-Type": "application/json"}, body)

    def _file(self, name: str, data: bytes, body: bool) -> None:
        facts = {"ETag": f'"{self.hub.digest(name, data)}"', "X-Repo-Commit": self.hub.commit, "Accept-Ranges": "bytes"}
        begin, end, status = 0, len(data), 200
        if asked := self.headers.get("Range"):
            first, _, last = asked.removeprefix("bytes=").partition("-")
            begin, status = int(first), 206
            if begin >= len(data):
                return self._send(416, b"", {}, body)
            end = min(int(last or len(data)), len(data) - 1)
            facts["Content-Range"] = f"bytes {begin}-{end}/{len(data)}"
        return self._send(status, data[begin : end + 1], facts, body)

    def _send(self, status: int, data: bytes, facts: dict[str, str], body: bool) -> None:
        self.send_response(status)
        for key, value in facts.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if not body:
            return
        if self.hub.cut is not None and "ETag" in facts and len(data) > self.hub.cut:
            self.wfile.write(data[: self.hub.cut])
            self.wfile.flush()
            self.connection.close()
            return
        self.wfile.write(data)


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """The Hub at an address of this machine for as long as the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def use_hub(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """Makes it the Hub of this process, which is then not offline."""
    from t2ialign import network

    monkeypatch.setattr(network, "_NOTICED", {})
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.address)
    monkeypatch.setattr("huggingface_hub.hf_api.api.endpoint", hub.address)
    monkeypatch.setattr(
        "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
        hub.address + "/{repo_id}/resolve/{revision}/{filename}",
    )
    return hub
