# A disk with tasks' files fills up: delete old system logs, if the site wants that, before a run fails for it.
#
# Event: salt/beacon/<host>/diskusage/<path>, with {"id": host, "diskusage": percent, "mount": path}, from Salt's
# own beacon, which state o2.host sets up (pillar o2:disk_full_percent). It repeats every minute while it is true. Any
# minion can send it with any id.
#
# The rule reaches a host only if its own pillar names it (`o2:hosts`) and asks for it (`o2:on_full_disk: vacuum`).
# Without that nothing is deleted anywhere. Data are the site's: a rule of its own can move them away.

{% set id = data.get('id', '') | string %}
{# An id that is more than one word could widen the target. #}
{% if id | regex_match('([A-Za-z0-9_][A-Za-z0-9_.-]*)$') and id == id.strip() %}
make_room_on_a_full_disk:
  local.cmd.run:
    - tgt: 'L@{{ id }} and I@o2:hosts:{{ id }} and I@o2:on_full_disk:vacuum'
    - tgt_type: compound
    - args:
      - cmd: journalctl --vacuum-size=200M
{% endif %}
