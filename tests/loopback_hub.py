"""A Hub on loopback: the endpoints that `huggingface_hub` asks for, strict, and unkind on demand.

It serves datasets over 127.0.0.1 as the Hub does: commits and branches, a paged tree with LFS
checksums, `resolve` that redirects LFS files to a second origin (the CDN) which must never see a
token, ranges, gates and error codes. It records each request and counts the body bytes it sends.
A request that it does not know is answered with 404 and remembered in `unexpected`.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

PAGE = 40  # entries of a tree page; the real Hub pages too, at 1,000
TOKEN = "hf_loopback_good"


@dataclass
class Repo:
    """A dataset: its commits (files by path), branches, and whether its terms must be accepted."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    gated: bool = False


@dataclass
class Fault:
    """What goes wrong for the next `times` content requests whose path matches `pattern`."""

    pattern: str
    times: int = 1
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    corrupt: bool = False
    hold_after: int | None = None
    held: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)


@dataclass
class Seen:
    """A request as it was answered: `sent` counts body bytes alone."""

    method: str
    path: str
    range: str | None
    status: int
    sent: int


class LoopbackHub:
    """The state of the server, and what tests ask of it."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.renamed: dict[str, str] = {}  # the new name by the old one
        self.faults: list[Fault] = []
        self.seen: list[Seen] = []
        self.unexpected: list[str] = []
        self.leaks: list[str] = []
        self.lock = threading.Lock()
        self.url = self.cdn_url = ""

    def commit(
        self, repo: str, files: dict[str, bytes], branch: str = "main", gated: bool = False
    ) -> str:
        """Put files on a branch, over those already there; returns the commit's sha."""
        entry = self.repos.setdefault(repo, Repo())
        entry.gated = entry.gated or gated
        merged = {**entry.commits.get(entry.branches.get(branch, ""), {}), **files}
        digest = hashlib.sha1(f"{repo}{branch}{len(entry.commits)}".encode())
        for path in sorted(merged):
            digest.update(path.encode() + hashlib.sha1(merged[path]).digest())
        sha = digest.hexdigest()
        entry.commits[sha] = merged
        entry.branches[branch] = sha
        return sha

    def fault(self, pattern: str, **what: Any) -> Fault:
        """Misbehave for the next matching requests; see `Fault`."""
        fault = Fault(pattern, **what)
        with self.lock:
            self.faults.append(fault)
        return fault

    def take_fault(self, path: str) -> Fault | None:
        """The fault that this request meets, if any; each is used `times` times."""
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and fnmatch.fnmatch(path, fault.pattern):
                    fault.times -= 1
                    return fault
        return None

    def sent(self, pattern: str = "*") -> int:
        """Body bytes sent for paths that match."""
        with self.lock:
            return sum(s.sent for s in self.seen if fnmatch.fnmatch(s.path, pattern))

    def forget(self) -> None:
        """Start counting anew."""
        with self.lock:
            self.seen.clear()


def is_lfs(path: str, content: bytes) -> bool:
    """Whether the Hub would keep this file in LFS."""
    return path.endswith((".parquet", ".zip", ".wav", ".flac", ".mp3")) or len(content) > 100_000


def blob_id(content: bytes) -> str:
    """Git's own id of a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def pointer_id(content: bytes) -> str:
    """Git's id of the LFS pointer file, which is what the tree lists as `oid`."""
    sha = hashlib.sha256(content).hexdigest()
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha}\nsize {len(content)}\n"
    return blob_id(text.encode())


def tree_entry(path: str, content: bytes) -> dict[str, Any]:
    """A file as the tree and paths-info endpoints list it."""
    if not is_lfs(path, content):
        return {"type": "file", "path": path, "size": len(content), "oid": blob_id(content)}
    sha = hashlib.sha256(content).hexdigest()
    lfs = {"oid": sha, "size": len(content), "pointerSize": 134}
    oid = pointer_id(content)
    return {"type": "file", "path": path, "size": len(content), "oid": oid, "lfs": lfs}


class Handler(BaseHTTPRequestHandler):
    """One request; `hub` and `is_cdn` are set on the subclass that a server gets."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body go out apart; neither waits for the other
    hub: LoopbackHub
    is_cdn = False

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.answer()

    def do_HEAD(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        old = next((name for name in self.hub.renamed if f"/datasets/{name}/" in self.path), None)
        try:
            if self.is_cdn:
                self.cdn(path)
            elif old is not None:  # as the Hub answers for a dataset that moved
                moved = self.path.replace(f"/{old}/", f"/{self.hub.renamed[old]}/", 1)
                self.reply(307, b"Moved", {"Location": moved})
            # A revision may hold a slash, which is quoted: taken apart first, unquoted after.
            elif match := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)(?:/(.*))?", parts.path):
                self.api(match[1], match[2] or "", parse_qs(parts.query), body)
            elif match := re.fullmatch(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", parts.path):
                self.resolve(match[1], unquote(match[2]), unquote(match[3]))
            elif path == "/api/agent-harnesses":  # the client's own telemetry
                self.reply(404)
            else:
                self.hub.unexpected.append(f"{self.command} {self.path}")
                self.reply(404, b"not an endpoint of the Hub")
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def reply(
        self, status: int, body: bytes = b"", headers: dict[str, str] | None = None, limit: int = -1
    ) -> None:
        """Send an answer; `limit` sends only so many body bytes and closes the connection."""
        self.send_response(status)
        headers = {"Content-Length": str(len(body)), **(headers or {})}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        sent = 0
        seen = Seen(self.command, unquote(self.path), self.headers.get("Range"), status, 0)
        with self.hub.lock:
            self.hub.seen.append(seen)
        if self.command != "HEAD":
            view = memoryview(body)[: limit if limit >= 0 else None]
            while sent < len(view):
                piece = view[sent : sent + 16384]
                sent += len(piece)
                with self.hub.lock:  # first, so that a client that has it all finds it counted
                    seen.sent = sent
                self.wfile.write(piece)
        if limit >= 0:
            self.close_connection = True

    def error(self, status: int, code: str, message: str, **headers: str) -> None:
        fields = {"X-Error-Message": message, **headers}
        if code:
            fields["X-Error-Code"] = code
        self.reply(status, json.dumps({"error": message}).encode(), fields)

    def find(self, name: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """The commit asked for and its files; None once an error has been sent."""
        hub = self.hub
        authorization = self.headers.get("Authorization")
        if authorization is not None and authorization != f"Bearer {TOKEN}":
            self.error(401, "", "Invalid credentials in Authorization header")
            return None
        repo = hub.repos.get(name)
        if repo is None:
            self.error(
                401 if authorization is None else 404, "RepoNotFound", "Repository not found"
            )
            return None
        commit = repo.branches.get(revision, revision)
        if commit not in repo.commits:
            self.error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return None
        return commit, repo.commits[commit]

    def api(self, name: str, rest: str, query: dict[str, list[str]], body: bytes) -> None:
        action, _, tail = rest.partition("/")
        fault = self.hub.take_fault(unquote(self.path))
        if fault is not None:
            self.error(fault.status, "", "asked to fail", **fault.headers)
            return
        revision, _, folder = map(unquote, tail.partition("/"))
        found = self.find(name, revision or "main")
        if found is None:
            return
        commit, files = found
        if self.command == "GET" and action in ("", "revision"):
            siblings = [{"rfilename": path} for path in sorted(files)]
            info = {
                "_id": "0", "id": name, "sha": commit, "private": False, "disabled": False,
                "gated": "auto" if self.hub.repos[name].gated else False, "downloads": 0, "likes": 0,
                "tags": [], "lastModified": "2026-01-01T00:00:00.000Z", "siblings": siblings,
            }  # fmt: skip
            self.reply(200, json.dumps(info).encode(), {"Content-Type": "application/json"})
        elif self.command == "GET" and action == "tree":
            self.tree(name, commit, files, folder, query)
        elif self.command == "POST" and action == "paths-info":
            asked = parse_qs(body.decode()).get("paths") or json.loads(body or b"{}").get("paths")
            rows = [tree_entry(path, files[path]) for path in asked or [] if path in files]
            self.reply(200, json.dumps(rows).encode(), {"Content-Type": "application/json"})
        else:
            self.hub.unexpected.append(f"{self.command} {self.path}")
            self.error(404, "", "Sorry, we can't find the page you are looking for.")

    def tree(
        self, name: str, commit: str, files: dict[str, bytes], folder: str, query: dict[str, Any]
    ) -> None:
        prefix = f"{folder}/" if folder else ""
        entries: dict[str, dict[str, Any]] = {}
        for path in sorted(files):
            if not path.startswith(prefix):
                continue
            inside = path.removeprefix(prefix).split("/")
            for depth in range(1, len(inside)):
                parent = prefix + "/".join(inside[:depth])
                entries.setdefault(
                    parent, {"type": "directory", "path": parent, "size": 0, "oid": "0" * 40}
                )
            entries[path] = tree_entry(path, files[path])
        rows = list(entries.values())
        if query.get("recursive", ["false"])[0].lower() not in ("true", "1"):
            rows = [row for row in rows if "/" not in row["path"].removeprefix(prefix)]
        start = int(query.get("cursor", ["0"])[0])
        headers = {"Content-Type": "application/json"}
        if start + PAGE < len(rows):
            base = urlsplit(self.path).path
            recursive = query.get("recursive", ["false"])[0]
            target = f"{self.hub.url}{base}?recursive={recursive}&cursor={start + PAGE}"
            headers["Link"] = f'<{target}>; rel="next"'
        self.reply(200, json.dumps(rows[start : start + PAGE]).encode(), headers)

    def resolve(self, name: str, revision: str, path: str) -> None:
        found = self.find(name, revision)
        if found is None:
            return
        commit, files = found
        if self.hub.repos[name].gated and self.headers.get("Authorization") is None:
            message = (
                f"Access to dataset {name} is restricted. You must be authenticated to access it."
            )
            self.error(401, "GatedRepo", message)
            return
        if path not in files:
            self.error(404, "EntryNotFound", "Entry not found", **{"X-Repo-Commit": commit})
            return
        content = files[path]
        headers = {"X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        if not is_lfs(path, content):
            self.content(path, content, {**headers, "ETag": f'"{blob_id(content)}"'})
            return
        sha = hashlib.sha256(content).hexdigest()
        location = f"{self.hub.cdn_url}/{name}/{commit}/{quote(path)}?signature=x"
        linked = {"X-Linked-Etag": f'"{sha}"', "X-Linked-Size": str(len(content))}
        self.reply(302, b"Found", {**headers, **linked, "Location": location})

    def cdn(self, path: str) -> None:
        if self.headers.get("Authorization") is not None:
            self.hub.leaks.append(path)
            self.reply(400, b"a token must not leave the Hub")
            return
        _, owner, name, commit, file = path.split("/", 4)
        content = self.hub.repos[f"{owner}/{name}"].commits[commit][file]
        sha = hashlib.sha256(content).hexdigest()
        self.content(file, content, {"Accept-Ranges": "bytes", "ETag": f'"{sha}"'})

    def content(self, path: str, content: bytes, headers: dict[str, str]) -> None:
        fault = self.hub.take_fault(path)
        limit = -1
        if fault is not None:
            if fault.status:
                self.error(fault.status, "", "asked to fail", **fault.headers)
                return
            if fault.corrupt:
                content = content[:-1] + bytes([content[-1] ^ 1])
            if fault.cut_after is not None:
                limit = fault.cut_after
        asked = self.headers.get("Range")
        if asked is not None:
            match = re.fullmatch(r"bytes=(\d+)-(\d*)", asked)
            if match is None or int(match[1]) >= len(content):
                self.reply(416, b"", {"Content-Range": f"bytes */{len(content)}"})
                return
            start = int(match[1])
            end = min(int(match[2] or len(content) - 1), len(content) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
            status, body = 206, content[start : end + 1]
        else:
            status, body = 200, content
        if fault is not None and fault.hold_after is not None:
            self.hold(fault, status, body, headers)
            return
        self.reply(status, body, headers, limit if limit < len(body) else -1)

    def hold(self, fault: Fault, status: int, body: bytes, headers: dict[str, str]) -> None:
        """Send the first bytes, then tell the test and wait until it says go on (or gives up)."""
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        first = body[: fault.hold_after]
        path, asked = unquote(self.path), self.headers.get("Range")
        seen = Seen(self.command, path, asked, status, len(first))
        with self.hub.lock:
            self.hub.seen.append(seen)
        self.wfile.write(first)
        self.wfile.flush()
        fault.held.set()
        self.close_connection = True
        if fault.release.wait(60):
            seen.sent = len(body)
            self.wfile.write(body[len(first) :])


@contextmanager
def loopback_hub() -> Iterator[LoopbackHub]:
    """Run a Hub and its CDN on 127.0.0.1; on leaving, nothing unexpected may have been asked."""
    hub = LoopbackHub()
    servers = []
    for is_cdn in (False, True):
        handler = type("BoundHandler", (Handler,), {"hub": hub, "is_cdn": is_cdn})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    hub.url, hub.cdn_url = (f"http://127.0.0.1:{server.server_address[1]}" for server in servers)
    try:
        yield hub
    finally:
        for fault in hub.faults:
            fault.release.set()
        for server in servers:
            server.shutdown()
            server.server_close()
    assert not hub.unexpected, f"requests that no Hub knows: {hub.unexpected}"
    assert not hub.leaks, f"a token left the Hub for: {hub.leaks}"
