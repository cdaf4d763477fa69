"""Configuration of components: paths, fallback, payloads, inventory (aliecs.md A4)."""

import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from salt_o2.core.errors import InvalidRequestError, TemplateError, UnknownNameError
from salt_o2.site.configuration import Configuration, open_backend
from salt_o2.site.configuration.query import parse_query
from salt_o2.site.configuration.template_functions import functions
from salt_o2.workflow import load
from salt_o2.workflow.variables.site_services import services
from tests.support.builders.templates import Templates

PILLAR = {
    "components": {
        "qc": {
            "PHYSICS": {"flp1": {"task": "exact"}, "any": {"task": "any role", "other": "o"}},
            "ANY": {"flp1": {"task": "any type"}, "any": {"task": "any of both", "deep": {"er": "d"}}},
        },
        "readout": {
            "ANY": {
                "any": {
                    "main": "rate={{ rate }}\n{% include 'part' %}",
                    "part": "{% if on == 'true' %}on for {{ strings.ToUpper(detector) }}{% endif %}",
                    "loop": "{% for h in FromJson(hosts) %}[{{ h }}]{% endfor %}",
                    "self": "{% include 'self' %}",
                    "legacy": "rate={{ rate }} {{ on == 'true' ? 'on' : 'off' }}",
                    "unknown": "{{ nope }}",
                    "wrong": "{{ x|nofilter }}",
                    "syntax": "a\n{% if %}",
                    "out": "{{ ''.__class__ }}",
                    "list": [1, 2],
                },
            }
        },
    },
    "runtime": {"aliecs": {"x": "1"}},
    "hardware": {
        "detectors": {
            "ITS": {"flps": {"flp1": {"aliases": "{}"}}},
            "TRG": {"flps": {"flp9": {"aliases": ""}}},
        },
        "flps": {"flp1": {"cards": {"0": {"serial": "123", "endpoint": "0"}}}},
    },
}
PILLAR["hardware"]["flps"]["flp1"]["cards"] = (
    '{"0": {"serial": "123", "endpoint": "0"}, "1": {"serial": "123", "endpoint": "1"}}'
)


@pytest.fixture(params=["pillar", "folder", "yaml"])
def site(request, tmp_path):
    """The same configuration in the pillar, in a directory of files, and in one of YAML."""
    pillar = open_backend("pillar", lambda: PILLAR)
    if request.param == "pillar":
        return Configuration(pillar)
    folder = open_backend(str(tmp_path), dict)
    if request.param == "yaml":
        import yaml

        for name, tree in PILLAR.items():
            (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(tree))
    else:
        for key in pillar.keys("o2"):
            folder.put(key, pillar.get(key))
    return Configuration(folder)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("qc/PHYSICS/flp1/task", "qc/PHYSICS/flp1/task"),
        ("qc/COSMICS/flp1/task", "qc/ANY/flp1/task"),
        ("qc/PHYSICS/flp2/task", "qc/PHYSICS/any/task"),
        ("qc/COSMICS/flp2/task", "qc/ANY/any/task"),
        ("qc/ANY/any/task", "qc/ANY/any/task"),
        ("qc/PHYSICS/flp1/other", "qc/PHYSICS/any/other"),
        ("qc/PHYSICS/flp1/deep/er", "qc/ANY/any/deep/er"),
        ("qc/task", "qc/ANY/any/task"),
    ],
)
def test_the_most_specific_entry_is_found_by_fallback(site, asked, found):
    assert site.resolve(parse_query(asked)) == found


def test_the_fallback_to_any_run_type_precedes_the_fallback_to_any_role(site):
    assert site.get("qc/COSMICS/flp1/task") == "any type"
    assert site.get("qc/PHYSICS/flp7/task") == "any role"


@pytest.mark.parametrize("path", ["qc", "qc/PHYSICS/x", "qc/PHYSICS/../x", "qc//a/b", "qc/PHYSIC/a/b", ""])
def test_an_invalid_path_is_refused(site, path):
    with pytest.raises(InvalidRequestError):
        site.get(path)


def test_a_missing_entry_is_refused_with_the_nearest_name(site):
    with pytest.raises(UnknownNameError, match=r"did you mean qc/ANY/any/task\?"):
        site.get("qc/ANY/any/tsk")


def test_a_payload_is_rendered_with_variables_and_includes(site):
    variables = {"rate": "5", "on": "true", "detector": "its"}
    assert site.get("readout/PHYSICS/flp1/main", variables) == "rate=5\non for ITS"
    assert site.get("readout/ANY/any/loop", {"hosts": '["a", "b"]'}) == "[a][b]"


def test_a_payload_that_is_a_list_is_json(site):
    assert site.get("readout/ANY/any/list") == "[1, 2]"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("wrong", "no filter nofilter"),
        ("syntax", ":2: "),
        ("self", "include one another"),
        ("out", ":1: "),
    ],
)
def test_a_payload_that_cannot_be_filled_in_says_where(site, entry, message):
    with pytest.raises(TemplateError) as caught:
        site.get(f"readout/{entry}")
    assert "configuration readout/ANY/any/" in str(caught.value)
    assert message in str(caught.value)


def test_components_and_entries_are_listed(site):
    assert site.components() == ["qc", "readout"]
    assert "qc/PHYSICS/any/other" in site.entries("qc")
    assert all(entry.startswith("qc/") for entry in site.entries("qc"))


def test_run_time_values_are_read_and_set(site):
    assert site.runtime_get("aliecs", "x") == "1"
    assert site.runtime_get("aliecs", "y") == ""
    site.runtime_set("aliecs", "y", "2")
    assert site.runtime_get("aliecs", "y") == "2"


def test_detectors_are_listed_with_their_hosts_and_endpoints(site):
    assert (site.detectors(), site.detectors(all_=True)) == (["ITS"], ["ITS", "TRG"])
    assert (site.hosts_of("ITS"), site.detector_of("flp1")) == (["flp1"], "ITS")
    assert site.endpoints_of("flp1", "123") == ["0", "1"]
    with pytest.raises(UnknownNameError, match=r"flp11 belongs to no detector \(did you mean flp1\?\)"):
        site.detector_of("flp11")


def test_the_pillar_is_not_written():
    with pytest.raises(InvalidRequestError, match="the pillar is read only"):
        Configuration(open_backend("pillar", lambda: PILLAR)).set("qc/ANY/any/new", "x")


def test_a_directory_is_written(tmp_path):
    site = Configuration(open_backend(str(tmp_path), dict))
    assert site.set("new/ANY/any/entry", "x", new_component=True) == "new/ANY/any/entry"
    assert (site.get("new/entry"), site.components()) == ("x", ["new"])


def test_a_new_component_must_be_confirmed(tmp_path):
    site = Configuration(open_backend(str(tmp_path), dict))
    site.set("readout/ANY/any/a", "x", new_component=True)
    with pytest.raises(InvalidRequestError, match=r"no component reodout \(did you mean readout\?\)"):
        site.set("reodout/ANY/any/a", "x")


def test_no_key_leads_out_of_the_directory(tmp_path):
    folder = open_backend(str(tmp_path / "inside"), dict)
    with pytest.raises(InvalidRequestError, match="is not a key of configuration"):
        folder.put("o2/../../x", "y")
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "link").symlink_to(tmp_path)
    with pytest.raises(InvalidRequestError, match="leads out"):
        folder.put("o2/link/x", "y")


OTHERS = [
    "vault/secret",
    "/vault/secret",
    "o2/../vault/secret",
    "../agent/self",
    "o2/../../acl/tokens",
    "o2//x",
]


@pytest.mark.finding("2.8")
@pytest.mark.parametrize("key", [*OTHERS, "o2x/y", "", ".", "o2/./x"])
def test_no_backend_reads_or_writes_keys_of_other_services(tmp_path, key):
    for line in ("pillar", str(tmp_path), "consul://127.0.0.1:1", "etcd://127.0.0.1:1"):
        backend = open_backend(line, dict)
        for ask in (backend.get, backend.keys, lambda key, to=backend: to.put(key, "x")):
            with pytest.raises(InvalidRequestError, match=r"is not a key of configuration|read only"):
                ask(key)


class _Service(BaseHTTPRequestHandler):
    """An HTTP service with any answer below any path, as Consul has tokens beside its keys."""

    asked: ClassVar[list[str]] = []

    def do_GET(self):
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"a secret of another service")

    def log_message(self, *_arguments):
        """Say nothing."""


@pytest.fixture
def service():
    """The port of an HTTP service, and the paths that were asked for."""
    _Service.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Service) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1], _Service.asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.finding("2.8")
@pytest.mark.parametrize("key", OTHERS)
@pytest.mark.parametrize("function", ["config.GetLegacy", "GetConfigLegacy"])
def test_templates_read_no_keys_of_other_services(service, key, function):
    port, asked = service
    variable = f'{{v: "{{{{ {function}(key) }}}}"}}'
    templates = Templates(f"name: root\nroles:\n  - {{name: x, vars: {variable}, task: {{load: plain}}}}")
    configuration = Configuration(open_backend(f"consul://127.0.0.1:{port}", dict))
    templates.services = services(functions(configuration))
    with suppress(TemplateError):  # vault/secret may be a component called vault
        load(templates, "w", variables={"key": key})
    assert [path for path in asked if not path.startswith("/v1/kv/o2/components/")] == []


@pytest.mark.parametrize("line", ["redis://x", "relative/path", "consul+ftp://x", "consul"])
def test_a_line_that_names_no_backend_is_refused(line):
    with pytest.raises(InvalidRequestError, match="is none of pillar"):
        open_backend(line, dict)


def rendered(expression, head=""):
    templates = Templates(
        f"name: root\n{head}\nroles:\n"
        f'  - {{name: x, vars: {{v: "{{{{ {expression} }}}}"}}, task: {{load: plain}}}}'
    )
    templates.services = services(functions(Configuration(open_backend("pillar", lambda: PILLAR))))
    return load(templates, "w").tasks[0].variables["v"]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("config.Get('qc/PHYSICS/flp1/task')", "exact"),
        ("GetConfig('readout/main')", "rate=7\\non for TPC".replace("\\n", "\n")),
        ("config.Resolve('qc', 'COSMICS', 'flp1', 'task')", "qc/ANY/flp1/task"),
        ("config.ResolvePath('qc/COSMICS/flp2/task')", "qc/ANY/any/task"),
        ("config.GetLegacy('o2/components/qc/ANY/any/task')", "any of both"),
        ("inventory.DetectorForHost('flp1')", "ITS"),
        ("DetectorsForHosts('[\\\"flp1\\\"]')", '["ITS"]'),
        ("CRUCardsForHost('flp1')", '["123"]'),
        ("EndpointsForCRUCard('flp1', '123')", "0 1"),
        ("config.Resolve('qc', 'NONE', 'flp1', 'task')", "qc/ANY/flp1/task"),
        ("config.Resolve('qc', '', 'flp2', 'task')", "qc/ANY/any/task"),
        ("config.GetLegacy('readout/ANY/any/legacy')", "rate=7 on"),
        ("config.GetLegacy('readout/ANY/any/unknown')", "{{ nope }}"),
        ("runtime.Set('c', 'k', 'v') + runtime.Get('c', 'k')", "vv"),
    ],
)
def test_templates_ask_the_configuration(expression, value):
    head = "vars: {rate: 7, on: 'true', detector: tpc}"
    assert rendered(expression, head) == value


@pytest.mark.finding("A16")
def test_a_run_time_value_of_a_user_is_no_expression_of_the_configuration():
    stored = "runtime.Set('c', 'legacy', note) + config.GetLegacy('o2/runtime/c/legacy')"
    head = "vars: {note: \"{{ '{' + '{ 6 * 7 }' + '}' }}\"}"
    assert rendered(stored, head) == "{{ 6 * 7 }}{{ 6 * 7 }}"


def test_an_error_of_the_configuration_is_an_error_of_the_template():
    with pytest.raises(
        TemplateError, match=r"root: no configuration qc/PHYSICS/flp1/none.* in \{\{ config\.Get"
    ):
        rendered("config.Get('qc/PHYSICS/flp1/none')")
