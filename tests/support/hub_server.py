"""A Hugging Face Hub on loopback, small: dataset repositories in memory, commits, files, and a token it asks for."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

TOKEN = "hf_right"
READER = "hf_reads"


class Hub:
    """repos: {name: {path: bytes}}. private: their names. asked: every request line."""

    def __init__(self):
        self.repos: dict[str, dict[str, bytes]] = {}
        self.private: set[str] = set()
        self.large: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.commits = 0

    @property
    def head(self):
        return f"{self.commits:040x}"


@contextlib.contextmanager
def serving():
    """A Hub and its address."""
    hub = Hub()

    class Handler(_Handler):
        pass

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _mode(path):
    return "lfs" if path.endswith(".parquet") else "regular"


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self._answer()

    def do_GET(self):
        self._answer()

    def do_POST(self):
        self._answer()

    def do_PUT(self):
        """An upload to the storage of large files, which knows no token: its address is the secret."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.hub.large[self.path.rpartition("/")[2]] = body
        self._send(200, b"")

    def _answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{self.command} {path}")
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token not in (TOKEN, READER):
            return self._send(401, {"error": "Invalid credentials"})
        if self.command == "POST" and token == READER and path != "/api/validate-yaml":
            return self._send(403, {"error": "Forbidden: the token may only read"})
        if path == "/api/validate-yaml":
            return self._send(200, {"errors": [], "warnings": []})
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if found := re.fullmatch(r"/datasets/(\w+/[\w.-]+)/resolve/\w+/(.*)", path):
            return self._file(*found.groups())
        if path.endswith(".git/info/lfs/objects/batch"):
            return self._batch(json.loads(body)["objects"])
        if found := re.fullmatch(r"/api/datasets/(\w+/[\w.-]+)(/.*)?", path):
            return self._repo(found[1], found[2] or "", body)
        return self._send(404, {"error": "unknown"})

    def _create(self, asked):
        name = f"{asked.get('organization') or 'me'}/{asked['name']}"
        known = name in self.hub.repos
        self.hub.repos.setdefault(name, {})
        if asked.get("private") or asked.get("visibility") == "private":
            self.hub.private.add(name)
        self._send(409 if known else 200, {"url": f"http://{self.headers['Host']}/datasets/{name}", "name": name})

    def _repo(self, name, rest, body):
        files = self.hub.repos.get(name)
        if files is None:
            return self._send(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
        if rest == "" or rest.startswith("/revision/"):
            siblings = [{"rfilename": path} for path in files]
            return self._send(
                200, {"id": name, "sha": self.hub.head, "private": False, "siblings": siblings, "tags": []}
            )
        if rest.startswith("/preupload/"):
            asked = json.loads(body)["files"]
            told = [{"path": one["path"], "uploadMode": _mode(one["path"]), "shouldIgnore": False} for one in asked]
            return self._send(200, {"files": told, "commitOid": self.hub.head})
        if rest.startswith("/commit/"):
            return self._commit(name, files, body)
        if rest.startswith("/paths-info/"):
            asked = re.findall(r"paths=([^&]*)", body.decode()) or json.loads(body or b"{}").get("paths", [])
            return self._send(200, [one for path in map(unquote, asked) if (one := self._info(path, files))])
        if rest.startswith("/tree/"):
            folder = rest.split("/", 3)[3] if rest.count("/") > 2 else ""
            start = f"{folder}/" if folder else ""
            inside = [path for path in files if path.startswith(start)]
            if folder and not inside:
                return self._send(404, {"error": "not found"}, {"X-Error-Code": "EntryNotFound"})
            if "recursive=true" not in self.path.lower():
                inside = list(dict.fromkeys(start + path.removeprefix(start).split("/")[0] for path in inside))
            return self._send(200, [self._info(path, files) for path in inside])
        return self._send(404, {"error": "unknown"})

    @staticmethod
    def _info(path, files):
        if path in files:
            return {"type": "file", "path": path, "size": len(files[path]), "oid": "0" * 40}
        inside = any(one.startswith(f"{path}/") for one in files)
        return {"type": "directory", "path": path, "size": 0, "oid": "1" * 40} if inside else None

    def _batch(self, objects):
        address = f"http://{self.headers['Host']}/storage"
        told = [{**one, "actions": {"upload": {"href": f"{address}/{one['oid']}", "header": {}}}} for one in objects]
        self._send(200, {"transfer": "basic", "objects": told})

    def _commit(self, name, files, body):
        for line in body.splitlines():
            one = json.loads(line)
            if one["key"] == "file":
                files[one["value"]["path"]] = base64.b64decode(one["value"]["content"])
            elif one["key"] == "lfsFile":
                files[one["value"]["path"]] = self.hub.large[one["value"]["oid"]]
            elif one["key"] == "deletedFile":
                files.pop(one["value"]["path"])
        self.hub.commits += 1
        url = f"http://{self.headers['Host']}/datasets/{name}/commit/{self.hub.head}"
        self._send(200, {"success": True, "commitUrl": url, "commitOid": self.hub.head, "hookOutput": ""})

    def _file(self, name, path):
        files = self.hub.repos.get(name, {})
        if path not in files:
            return self._send(404, {"error": "not found"}, {"X-Error-Code": "EntryNotFound"})
        content = files[path]
        # Downloads are kept by these.
        tags = {"ETag": f'"{hash(content) & (2**64 - 1):040x}"', "X-Repo-Commit": self.hub.head}
        self._send(200, content, tags)

    def _send(self, code, value, headers=None):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/octet-stream" if isinstance(value, bytes) else "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
