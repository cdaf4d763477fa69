"""The HTTP interface of a real salt-api, with a real master, control and agent."""

import http.client
import json
import os
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml

from salt_o2.client.http_client import HttpClient
from salt_o2.cluster import down, status, up
from salt_o2.cluster.faults.components import control_pid
from salt_o2.cluster.processes import marked
from salt_o2.control.verb_arguments import VERB_ARGUMENTS
from salt_o2.core.access import auth_options
from salt_o2.core.access_roles import AccessRole, required_role
from salt_o2.core.errors import IllegalTransitionError, O2Error, UnknownNameError
from tests.support.clusters.private_cluster import PrivateCluster
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
SECRET = "only for this test"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A cluster with the HTTP interface, whose master knows one user for each role."""
    directory = tmp_path_factory.mktemp("http") / "private"
    extra = directory / "conf" / "none.d" / "roles.conf"
    extra.parent.mkdir(parents=True)
    granted = auth_options({role: [str(role)] for role in AccessRole}, "sharedsecret")
    extra.write_text(yaml.safe_dump({"sharedsecret": SECRET, **granted}))
    yield PrivateCluster.of(up(directory, minions=1, api=True))
    down(directory)
    assert marked(directory) == []


@pytest.fixture(scope="module")
def url(site):
    return status(site.directory)["http"]


@pytest.fixture(scope="module")
def tokens(url):
    """A token for each role."""
    return {role: HttpClient(url).sign_in(username=role, password=SECRET)["token"] for role in AccessRole}


@pytest.fixture
def operator(url, tokens):
    return HttpClient(url, tokens[AccessRole.OPERATOR])


def send(url, path, method="GET", body=None, token="", **headers):
    """Return status, headers and body of an answer."""
    head = {"Content-Type": "application/json", **headers}
    if token:
        head["Authorization"] = f"Bearer {token}"
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, head, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def test_a_user_drives_an_environment_and_sees_each_step(operator):
    steps = []
    made = operator.request("env_create", {"workflow": "fairmq-ex-1-n-1"}, steps.append)
    assert made["state"] == "CONFIGURED"
    assert {"DEPLOYED", "CONFIGURED"} <= {step["state"] for step in steps}
    started = operator.request("env_control", {"id": made["id"], "event": "START_ACTIVITY"})
    assert (started["state"], started["user"]) == ("RUNNING", "operator")
    ended = operator.request("env_destroy", {"id": made["id"], "allow_in_running_state": True})
    assert ended["state"] == "DONE"


@pytest.mark.parametrize("role", AccessRole)
def test_each_role_is_refused_exactly_the_requests_of_higher_roles(url, tokens, role):
    order = list(AccessRole)
    for verb in VERB_ARGUMENTS:
        code, _, body = send(url, f"/api/v1/{verb}", "POST", {"no such argument": 1}, tokens[role])
        needed = required_role(verb)
        if order.index(role) >= order.index(needed):
            assert code == 400, (verb, body)  # control itself refuses the argument
            assert "no argument" in json.loads(body)["detail"]
        else:
            assert code == 403, (verb, body)
            assert f"needs the role {needed}" in json.loads(body)["detail"]


@pytest.mark.parametrize(
    "token", ["", "x", "Bearer", "a" * 5000], ids=["none", "unknown", "a word", "a long one"]
)
def test_a_request_without_a_session_is_refused(url, token):
    for verb in VERB_ARGUMENTS:
        code, headers, body = send(url, f"/api/v1/{verb}", "POST", {}, token)
        assert code == 401
        assert headers["WWW-Authenticate"].startswith("Bearer")
        assert json.loads(body)["kind"] == "Unauthorized"
    assert send(url, "/api/v1/events", token=token)[0] == 401


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "no JSON"),
        (b"[1]", "must be a JSON object"),
        (b"\xff\xfe", "no JSON"),
        (b'{"all": NaN}', "no JSON"),
        (b"[" * 200_000, "no JSON"),
        (b'{"all": "perhaps"}', "all"),
    ],
    ids=["cut", "a list", "no text", "no number", "too deep", "a wrong type"],
)
def test_a_malformed_body_is_refused_with_the_reason(url, tokens, body, said):
    code, headers, answer = send(url, "/api/v1/env_list", "POST", body, tokens[AccessRole.VIEWER])
    assert (code, headers["Content-Type"]) == (400, "application/problem+json")
    assert said in json.loads(answer)["detail"]


def test_a_body_beyond_the_limit_is_refused(url, tokens):
    try:
        code = send(url, "/api/v1/env_list", "POST", b"x" * 2_000_000, tokens[AccessRole.VIEWER])[0]
    except OSError:
        return  # The server closed the connection before it had read all.
    assert code in (400, 413)


def test_errors_keep_their_kind_and_fields(operator):
    with pytest.raises(UnknownNameError, match="no workflow nope"):
        operator.request("env_create", {"workflow": "nope"})
    made = operator.request("env_create", {"workflow": "fairmq-ex-1-n-1"})
    with pytest.raises(IllegalTransitionError) as refused:
        operator.request("env_control", {"id": made["id"], "event": "STOP_ACTIVITY"})
    assert "START_ACTIVITY" in refused.value.allowed
    operator.request("env_destroy", {"id": made["id"]})


def test_reading_requests_may_be_sent_with_get_and_others_not(url, tokens):
    token = tokens[AccessRole.OPERATOR]
    code, _, body = send(url, "/api/v1/env_list?all=true", token=token)
    assert (code, type(json.loads(body))) == (200, list)
    code, headers, _ = send(url, "/api/v1/env_create?workflow=x", token=token)
    assert (code, headers["Allow"]) == (405, "POST")


def test_a_request_with_the_same_idempotency_key_is_carried_out_once(url, tokens, operator):
    token, wanted = tokens[AccessRole.OPERATOR], {"workflow": "fairmq-ex-1-n-1"}
    made = [
        json.loads(send(url, "/api/v1/env_create", "POST", wanted, token, **{"Idempotency-Key": "k1"})[2])
        for _ in range(2)
    ]
    assert made[0]["id"] == made[1]["id"]
    assert len(operator.request("env_list")) == 1
    operator.request("env_destroy", {"id": made[0]["id"]})


def test_a_client_that_does_not_wait_reads_the_result_later(url, tokens):
    token = tokens[AccessRole.OPERATOR]
    code, headers, body = send(
        url, "/api/v1/pool_clean", "POST", {"all": True}, token, Prefer="respond-async"
    )
    assert (code, json.loads(body)["status"]) == (202, "running")

    def ended():
        return json.loads(send(url, headers["Location"], token=token)[2])["status"] == "done"

    wait_until(ended, "the request has ended")
    assert send(url, headers["Location"], token=tokens[AccessRole.EXPERT])[0] == 404


def test_a_wrong_password_gives_no_session(url):
    for name in ("viewer", "nobody", "root"):
        with pytest.raises(O2Error, match=r"wrong user name or password|too many"):
            HttpClient(url).sign_in(username=name, password="wrong")


def test_an_ended_session_is_refused(url, site):
    user = HttpClient(url, HttpClient(url).sign_in(username="viewer", password=SECRET)["token"])
    assert user.session()["role"] == "viewer"
    user.sign_out()
    with pytest.raises(O2Error, match="sign in first"):
        user.request("env_list")


def test_a_page_of_another_site_cannot_use_the_cookie_of_a_browser(url, tokens):
    cookie = {"Cookie": f"o2_session={tokens[AccessRole.OPERATOR]}"}
    path, wanted = "/api/v1/pool_clean", {"class_name": "none"}
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil"},
        {},
    ):
        code, _, body = send(url, path, "POST", wanted, **cookie, **headers)
        assert (code, "another site" in body.decode()) == (400, True), headers
    assert send(url, path, "POST", wanted, **cookie, **{"Sec-Fetch-Site": "same-origin"})[0] == 200
    assert send(url, path, "POST", wanted, **cookie, Origin=url)[0] == 200


class Events:
    """Reads server-sent events in a thread."""

    def __init__(self, url, token, query="", last_id=""):
        parts = url.removeprefix("http://").partition(":")
        self.connection = http.client.HTTPConnection(parts[0], int(parts[2]), timeout=60)
        headers = {"Authorization": f"Bearer {token}"} | ({"Last-Event-ID": last_id} if last_id else {})
        self.connection.request("GET", f"/api/v1/events{query}", headers=headers)
        self.response = self.connection.getresponse()
        self.found = []
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        event = {}
        for line in self.response:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if not name and not value:
                if "event" in event:
                    self.found.append(
                        (event["event"], event.get("id", ""), json.loads(event["data"]), time.time())
                    )
                event = {}
            else:
                event[name] = value

    def states(self):
        return [data["state"] for kind, _, data, _ in self.found if kind == "state"]

    def kinds(self):
        return [kind for kind, *_ in self.found]

    def close(self):
        self.connection.sock.shutdown(socket.SHUT_RDWR) if self.connection.sock else self.response.close()
        self.thread.join(10)
        self.connection.close()


@pytest.fixture
def listen(url, tokens):
    """Return a function that begins to read events."""
    opened = []

    def begin(**options):
        opened.append(Events(url, tokens[AccessRole.VIEWER], **options))
        return opened[-1]

    yield begin
    for each in opened:
        each.close()


def test_each_change_is_an_event_and_a_client_resumes_where_it_was(listen, operator):
    live = listen()
    made = operator.request("env_create", {"workflow": "fairmq-ex-1-n-1"})
    wait_until(lambda: "CONFIGURED" in live.states(), "an event CONFIGURED")
    last = next(id for kind, id, *_ in reversed(live.found) if kind == "state")
    operator.request("env_destroy", {"id": made["id"]})
    wait_until(lambda: "DONE" in live.states(), "an event DONE")
    resumed = listen(last_id=last)
    wait_until(lambda: "DONE" in resumed.states(), "an event DONE")
    assert resumed.states() == live.states()[live.states().index("CONFIGURED") + 1 :]
    assert "gap" not in resumed.kinds()
    unknown = listen(last_id="an earlier control.5")
    wait_until(lambda: "gap" in unknown.kinds(), "an event gap")


def test_streams_and_sessions_are_right_after_a_kill_of_control(site, listen, operator):
    live = listen()
    wait_until(lambda: "control" in live.kinds(), "an event control")
    os.kill(control_pid(site.directory), signal.SIGKILL)
    wait_until(lambda: "gap" in live.kinds(), "the client learns of the gap", 30)

    def is_known():
        return [host["status"] for host in operator.request("host_list")] == ["ACTIVE"]

    wait_until(is_known, "the agent reports to the next control", 60)
    made = operator.request("env_create", {"workflow": "fairmq-ex-1-n-1"})
    wait_until(lambda: "CONFIGURED" in live.states(), "an event CONFIGURED")
    operator.request("env_destroy", {"id": made["id"]})


def test_sessions_survive_a_kill_of_the_interface(site, url, operator):
    assert operator.session()["role"] == "operator"
    (pid,) = serving(site, url)
    os.kill(pid, signal.SIGKILL)

    def is_back():
        try:
            return operator.session()["role"] == "operator"
        except O2Error:
            return False

    wait_until(is_back, "the interface answers again", 30)
    assert serving(site, url) != [pid]


def serving(site, url):
    """Return the process that listens at the port of the interface."""
    port = int(url.rpartition(":")[2])
    inodes = {
        fields[9]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if (fields := line.split())[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port
    }
    found = []
    for process in marked(site.directory):
        try:
            links = [str(each.readlink()) for each in Path(f"/proc/{process.pid}/fd").iterdir()]
        except OSError:
            continue
        if any(link == f"socket:[{inode}]" for link in links for inode in inodes):
            found.append(process.pid)
    return found


def test_the_sign_in_link_of_a_private_cluster_works_once(site):
    link = status(site.directory)["sign_in"]
    assert link.startswith("http://127.0.0.1:")
    url, _, path = link.partition("/sign-in")
    code, headers, body = send(url, f"/sign-in{path}")
    assert (code, json.loads(body)["role"]) == (200, "administrator")
    assert "HttpOnly" in headers["Set-Cookie"]
    assert "SameSite=Lax" in headers["Set-Cookie"]
    assert send(url, f"/sign-in{path}")[0] == 401
    assert status(site.directory)["sign_in"] == ""


def test_coconut_works_without_an_account_on_the_master(site, url, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("O2_PASSWORD", SECRET)
    monkeypatch.setenv("O2_SERVER", url)
    assert site.json("coconut", "session", "login", "--username", "operator")["role"] == "operator"
    assert (tmp_path / "salt-o2" / "sessions.json").stat().st_mode & 0o777 == 0o600
    made = site.json("coconut", "env", "create", "-w", "fairmq-ex-1-n-1")
    assert [each["id"] for each in site.json("coconut", "env", "list")] == [made["id"]]
    refused = site.run("coconut", "env", "modify", made["id"], "--exclude", "x")
    assert refused.returncode == 1
    assert "env_modify needs the role expert, and operator has the role operator" in refused.stderr
    site.json("coconut", "env", "destroy", made["id"])
    site.json("coconut", "session", "logout")
    assert "sign in first" in site.run("coconut", "env", "list").stderr
