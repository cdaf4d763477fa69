"""The data flow of a workflow as a picture: complete, one row for each host, and no text over another."""

import itertools
import os
import re
import xml.etree.ElementTree as ElementTree

import pytest

from salt_o2.workflow.authoring.column_layout import in_columns
from salt_o2.workflow.authoring.dot_layout import best_engine
from salt_o2.workflow.authoring.graph import Arrow, graph_of
from salt_o2.workflow.authoring.layout import Layout, arranged, box_size, text_width
from salt_o2.workflow.authoring.svg import svg
from tests.support.builders.templates import expand

SPACE = "{http://www.w3.org/2000/svg}"
LONG = "from_internal-dpl-injected-source_to_QC-MERGER-VeryLongTask"
PRODUCER = f"""
name: producer
control: {{mode: fairmq}}
command: {{value: x}}
bind: [{{name: {LONG}1l, type: push}}, {{name: {LONG}2l, type: push}}]
"""
FILTER = f"""
name: filter
control: {{mode: fairmq}}
command: {{value: x}}
bind: [{{name: out, type: push}}, {{name: open, type: pub, target: "tcp://*:5555"}}]
connect: [{{name: {LONG}1l, type: pull}}]
"""
FARM = f"""
name: farm
roles:
  - name: "host-{{{{ it }}}}"
    for: {{begin: 1, end: 20, var: it}}
    constraints: [{{attribute: machine_id, value: "flp{{{{ it }}}}"}}]
    roles:
      - name: readout
        bind: [{{name: {LONG}2l, global: "to-{{{{ it }}}}"}}]
        task: {{load: producer}}
      - name: dpl
        connect: [{{name: {LONG}1l, target: "{{{{ Parent().Path }}}}.readout:{LONG}1l"}}]
        roles: [{{name: filter-with-a-name, task: {{load: filter}}}}]
      - name: sender
        connect:
          - {{name: in, type: pull, target: "{{{{ Parent().Path }}}}.dpl.filter-with-a-name:out"}}
          - {{name: far, type: push, target: "tcp://epn.example:{{{{ 5000 + Atoi(it) }}}}"}}
        task: {{load: plain}}
      - {{name: cleanup, task: {{load: plain, trigger: DESTROY}}}}
  - {{name: call, call: {{func: f(), trigger: DESTROY}}}}
  - {{name: alone, task: {{load: plain}}}}
  - {{name: alone-too, task: {{load: plain}}}}
"""
SINK = """
name: sink
roles:
  - name: a
    connect: [{name: in, type: pull, target: "::far"}, {name: lost, type: push, target: "other.role:out"}]
    task: {load: plain}
  - {name: "not-known-here-{{ it }}", for: {range: "{{ hosts }}", var: it}, task: {load: plain}}
"""
MEETING = f"""
name: m
roles:
  - name: "flp-{{{{ it }}}}"
    for: {{begin: 1, end: 3, var: it}}
    constraints: [{{attribute: hostname, value: "flp{{{{ it }}}}"}}]
    bind: [{{name: {LONG}2l, global: "to-{{{{ it }}}}"}}]
    task: {{load: producer}}
  - name: sink
    constraints: [{{attribute: hostname, value: qc1}}]
    connect:
      - {{name: one, type: pull, target: "::to-1"}}
      - {{name: two, type: pull, target: "::to-2"}}
      - {{name: three, type: pull, target: "::to-3"}}
    task: {{load: plain}}
"""
CIRCLE = """
name: root
roles:
  - {name: a, connect: [{name: in, type: pull, target: "root.b:out"}], task: {load: both}}
  - {name: b, connect: [{name: in, type: pull, target: "root.a:out"}], task: {load: both}}
"""
BOTH = "name: both\ncontrol: {mode: fairmq}\ncommand: {value: x}\nbind: [{name: out, type: push}]"
TASKS = {"producer": PRODUCER, "filter": FILTER, "both": BOTH}
ENGINES = [
    pytest.param(lambda: in_columns, id="columns"),
    pytest.param(best_engine, id="dot", marks=pytest.mark.needs("dot")),
]
SOURCES = [
    pytest.param(FARM, id="farm"),
    pytest.param(MEETING, id="hosts that meet"),
    pytest.param(CIRCLE, id="circle"),
    pytest.param(
        "name: w\nroles: [{name: 'ÄÖ-\u65e5\u672c\u8a9e<&>\"', task: {load: producer}}]\n",
        id="wide characters",
    ),
]


def graph(source):
    return graph_of(expand(source, TASKS))


def unbound(source):
    """Return the graph of a workflow that is checked alone: its targets are elsewhere."""
    from salt_o2.workflow.expansion.loader import load
    from salt_o2.workflow.expansion.open_variables import OpenVariables
    from tests.support.builders.templates import Templates

    return graph_of(load(Templates(source), "w", outside=OpenVariables(None, "w")))


def labels(text):
    """Return the rectangle of each text of a picture, with the text."""
    for each in ElementTree.fromstring(text).iter(f"{SPACE}text"):
        size = 12 if each.get("class") == "title" else 10
        width = text_width(each.text, size)
        x = float(each.get("x")) - (width if each.get("text-anchor") == "end" else 0)
        y = float(each.get("y"))
        yield (x, y - 0.8 * size, x + width, y + 0.25 * size), each.text


def boxes(text, *kinds):
    for each in ElementTree.fromstring(text).iter(f"{SPACE}rect"):
        if each.get("class") in kinds:
            x, y, width, height = (float(each.get(key)) for key in ("x", "y", "width", "height"))
            yield x, y, x + width, y + height


def overlap(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def contains(outer, inner):
    return outer[0] <= inner[0] and outer[1] <= inner[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("source", SOURCES)
def test_no_text_of_a_picture_is_over_another_text_or_leaves_the_picture(source, engine):
    text = svg(expand(source, TASKS), engine())
    found = list(labels(text))
    assert len(found) >= 2
    for (one, first), (other, second) in itertools.combinations(found, 2):
        assert not overlap(one, other), (first, second)
    (paper,) = ((0.0, 0.0, float(each.get("width")), float(each.get("height"))) for each in [_paper(text)])
    for place, label in found:
        assert contains(paper, place), label


def _paper(text):
    return next(each for each in ElementTree.fromstring(text) if each.get("class") == "paper")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("source", SOURCES)
def test_no_box_is_over_another_box_and_each_lies_in_the_frame_of_its_host(source, engine):
    known = graph(source)
    layout = arranged(known, engine())
    places = {name: (p.x, p.y, p.x + p.width, p.y + p.height) for name, p in layout.boxes.items()}
    frames = {host: (p.x, p.y, p.x + p.width, p.y + p.height) for host, p in layout.frames.items()}
    for one, other in itertools.combinations(places.values(), 2):
        assert not overlap(one, other)
    for one, other in itertools.combinations(frames.values(), 2):
        assert not overlap(one, other)
    for box in known.boxes:
        for host, frame in frames.items():
            assert (
                contains(frame, places[box.name])
                if host == box.host
                else not overlap(frame, places[box.name])
            ), (box, host)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("source", SOURCES[:3])
def test_each_arrow_leads_from_the_channel_of_its_sender_to_that_of_its_receiver(source, engine):
    known = graph(source)
    layout = arranged(known, engine())
    assert [arrow for arrow, _ in layout.curves] == sorted(known.arrows, key=_order(layout))
    boxes_ = {box.name: box for box in known.boxes}
    for arrow, curve in layout.curves:
        sender, receiver = layout.boxes[arrow.sender], layout.boxes[arrow.receiver]
        height = _row(boxes_[arrow.sender], arrow.sending_port, True)
        assert curve[0] == pytest.approx((sender.x + sender.width, sender.y + height), abs=2)
        height = _row(boxes_[arrow.receiver], arrow.receiving_port, False)
        assert curve[-1] == pytest.approx((receiver.x, receiver.y + height), abs=2)


def _order(layout):
    arrows = [arrow for arrow, _ in layout.curves]
    return arrows.index


def _row(box, name, sends):
    rows = [(port.name, port.sends) for port in box.ports]
    return 34 + 15 * rows.index((name, sends)) + 7.5 if (name, sends) in rows else box_size(box).height / 2


def test_hosts_are_rows_below_each_other_and_boxes_of_no_host_stand_beside_each_other():
    layout = arranged(graph(FARM), in_columns)
    tops = [layout.frames[f"flp{number}"].y for number in range(1, 21)]
    assert tops == sorted(tops)
    assert len({layout.frames[host].x for host in layout.frames}) == 1
    assert layout.boxes["farm.alone"].y == layout.boxes["farm.alone-too"].y > tops[-1]


def test_hooks_and_calls_are_counted_and_not_drawn():
    known = graph(FARM)
    assert known.left_out == "not drawn: 20 hooks, 1 call"
    assert not any("cleanup" in box.name for box in known.boxes)
    assert known.left_out in svg(expand(FARM, TASKS), in_columns)
    assert graph(CIRCLE).left_out == ""


def test_titles_leave_out_the_path_that_the_tasks_of_a_host_share():
    titles = [box.title for box in graph(FARM).boxes if box.host == "flp3"]
    assert titles == ["readout", "dpl.filter-with-a-name", "sender"]


def test_channels_without_a_peer_global_names_and_fixed_addresses_are_drawn():
    found = {box.name: [port.label for port in box.ports] for box in graph(FARM).boxes}
    assert found["farm.host-1.readout"] == [f"{LONG}1l", f"{LONG}2l ::to-1"]
    assert found["farm.host-1.dpl.filter-with-a-name"] == [f"{LONG}1l", "out", "open tcp://*:5555"]


def test_addresses_outside_are_boxes_and_arrows_lead_to_them():
    known = graph(FARM)
    outside = [box for box in known.boxes if box.is_outside]
    assert [box.title for box in outside][:2] == ["tcp://epn.example:5001", "tcp://epn.example:5002"]
    assert Arrow("farm.host-1.sender", outside[0].name, "far", "far", "") in known.arrows


def test_targets_that_nothing_here_binds_are_boxes_outside():
    known = unbound(SINK)
    found = {box.title: box.subtitle for box in known.boxes if box.is_outside}
    assert found == {
        "::far": "global channel of another workflow",
        "other.role:out": "no role here binds it",
    }


def test_roles_that_are_left_open_are_counted():
    assert unbound(SINK).left_out == "not drawn: 1 role that is left open"
    assert unbound(SINK + SINK.splitlines()[-1].replace("not-", "nor-")).left_out.endswith(
        "2 roles that are left open"
    )


def test_arrows_lead_from_the_sender_to_the_receiver_whichever_of_them_connects():
    arrows = graph(CIRCLE).arrows
    assert arrows == (
        Arrow("root.b", "root.a", "in", "out", "in"),
        Arrow("root.a", "root.b", "in", "out", "in"),
    )


def test_equal_hosts_are_laid_out_once():
    counted = []

    def engine(boxes, arrows):
        counted.append(len(boxes))
        return in_columns(boxes, arrows)

    layout = arranged(graph(FARM), engine)
    assert sorted(counted) == [1, 1, 4, 4]  # two tasks alone; hosts 1 to 9, and those with longer names
    assert len(layout.frames) == 20


def test_a_picture_without_any_task_is_a_picture():
    text = svg(expand("name: w\nroles: [{name: c, call: {func: f(), trigger: DESTROY}}]\n"), in_columns)
    assert [label for _, label in labels(text)] == ["not drawn: 1 call"]


def test_every_colour_has_a_dark_counterpart():
    style = ElementTree.fromstring(svg(expand(CIRCLE, TASKS), in_columns)).find(f"{SPACE}style").text
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    colours = re.compile(r"(\S+) \{[^}]*(?:fill|stroke): #")
    assert set(colours.findall(light)) == set(colours.findall(dark))
    assert len(colours.findall(light)) >= 9


def program(folder, script):
    """Put a program called dot in front of all others."""
    file = folder / "dot"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.mark.parametrize(
    "script",
    ["exit 1", "echo '{}'", "echo nonsense", "kill -9 $$", 'echo \'{"bb": "0,0,1,1", "objects": []}\''],
)
def test_a_dot_that_fails_leaves_the_layout_to_columns(tmp_path, monkeypatch, script):
    monkeypatch.setenv("PATH", program(tmp_path, script))
    assert svg(expand(FARM, TASKS)) == svg(expand(FARM, TASKS), in_columns)


def test_a_dot_that_takes_too_long_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr("salt_o2.workflow.authoring.dot_layout.TIME_S", 0.2)
    monkeypatch.setenv("PATH", program(tmp_path, "exec sleep 600"))
    assert svg(expand(FARM, TASKS)) == svg(expand(FARM, TASKS), in_columns)


def test_a_machine_without_dot_lays_out_in_columns(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert best_engine() is in_columns


def test_dot_gets_no_text_of_a_template(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", program(tmp_path, f"cat > {tmp_path}/given; exit 1"))
    svg(expand(SOURCES[3].values[0], TASKS))
    given = (tmp_path / "given").read_text()
    assert given.startswith("digraph {")
    assert not re.search(r"[^\x20-\x7e\n]|producer|from_", given)


def test_a_layout_that_is_moved_keeps_its_parts_together():
    part = arranged(graph(CIRCLE), in_columns)
    whole = Layout()
    whole.add(part, 10, 20)
    for name, place in part.boxes.items():
        assert whole.boxes[name] == place.moved(10, 20)
    for (_, before), (_, after) in zip(part.curves, whole.curves, strict=True):
        assert after == tuple((x + 10, y + 20) for x, y in before)
    assert whole.size == (part.size.width + 10, part.size.height + 20)
