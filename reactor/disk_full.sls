# The disk with files of tasks is nearly full: delete old system logs, if the site permits it, before a run fails.
#
# Event: salt/beacon/<host>/diskusage/<path>, with {"id": host, "diskusage": percent, "mount": path}, from Salt's
# beacon, which state o2.host configures (pillar o2:disk_full_percent). Salt repeats it every minute while the disk is
# full. Any minion can send it with any ID.
#
# The rule acts on a host only if the pillar of the host names it (`o2:hosts`) and has `o2:on_full_disk: vacuum`.
# Otherwise it deletes nothing. It does not touch data: a rule of the site may move them.

{% set id = data.get('id', '') | string %}
{# An ID of more than one word could match more minions. #}
{% if id | regex_match('([A-Za-z0-9_][A-Za-z0-9_.-]*)$') and id == id.strip() %}
make_room_on_a_full_disk:
  local.cmd.run:
    - tgt: 'L@{{ id }} and I@o2:hosts:{{ id }} and I@o2:on_full_disk:vacuum'
    - tgt_type: compound
    - args:
      - cmd: journalctl --vacuum-size=200M
{% endif %}
