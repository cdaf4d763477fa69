"""No other account of the master reads the password of a repository's URL while git fetches."""

import base64
import http.server
import subprocess
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from salt_o2.core.errors import UnknownNameError
from salt_o2.workflow.sources.git import GitRepository
from salt_o2.workflow.sources.git_credentials import remote

SECRET = "hunter2-of-the-repository"


def command_lines():
    """Return the command lines of all processes of this machine, as each account can read them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().decode(errors="replace"))
        except OSError:  # it has ended
            continue
    return found


class Server(http.server.SimpleHTTPRequestHandler):
    """Serves a bare repository to one user, and looks at all command lines at each request."""

    wanted = ""
    seen: list[str]

    def do_GET(self):
        self.seen += [line for line in command_lines() if SECRET in line]
        given = self.headers.get("Authorization", "").removeprefix("Basic ")
        if base64.b64decode(given).decode() == self.wanted:
            return super().do_GET()
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.send_header("Content-Length", "0")
        self.end_headers()
        return None

    def log_message(self, *_):
        """Write nothing."""


@contextmanager
def served(folder, wanted):
    handler = type("Handler", (Server,), {"wanted": wanted, "seen": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], handler.seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def bare(tmp_path):
    """A bare repository with one workflow, as a plain web server can give it."""
    tree = tmp_path / "tree"
    (tree / "workflows").mkdir(parents=True)
    (tree / "workflows" / "w.yaml").write_text("name: w\n")
    own = ("-c", "user.name=n", "-c", "user.email=e@x", "-c", "commit.gpgsign=false")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "first")):
        subprocess.run(["git", *own, "-C", str(tree), *words], check=True)
    path = tmp_path / "served" / "x.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(tree), str(path)], check=True)
    subprocess.run(["git", "-C", str(path), "update-server-info"], check=True)
    return path


@pytest.mark.finding("X23")
@pytest.mark.parametrize(
    ("userinfo", "wanted"),
    [
        (f"git:{SECRET}", f"git:{SECRET}"),
        (f"git:p@{SECRET}", f"git:p@{SECRET}"),
        (f"git:p%2F%40%20{SECRET}", f"git:p/@ {SECRET}"),
        (SECRET, f"{SECRET}:"),
        (f"{SECRET}:x-oauth-basic", f"{SECRET}:x-oauth-basic"),
    ],
    ids=["user", "at", "quoted", "token", "token-and-user"],  # a worker of pytest-xdist shows them in ps
)
def test_a_password_is_on_no_command_line_while_git_fetches(bare, tmp_path, userinfo, wanted):
    with served(bare.parent, wanted) as (port, seen):
        repository = GitRepository(f"http://{userinfo}@127.0.0.1:{port}/x.git", tmp_path / "cache")
        assert list(repository.at().names()) == ["w"]
    assert seen == []


@pytest.mark.finding("X23")
@pytest.mark.parametrize("url", [f"https://git:p/{SECRET}@git/x.git", f"https://git:p%0A{SECRET}@git/x.git"])
def test_a_password_that_cannot_be_kept_off_a_command_line_is_refused(url):
    with pytest.raises(UnknownNameError) as caught:
        remote(url)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "/srv/o2",
        "git@host:a/b",
        "ssh://git@host/b",
        "https://host:8443/a@b",
        "http://[::1]:80/x",
        "file:///a",
    ],
)
def test_a_url_without_a_password_is_unchanged(url):
    assert remote(url) == (url, (), {})


def test_ssh_gets_no_password():
    assert remote(f"ssh://git:{SECRET}@host:22/b") == ("ssh://git@host:22/b", (), {})
