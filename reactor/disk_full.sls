# A disk with tasks' files fills up: give back what nobody needs, before a run dies of it.
#
# Event: salt/beacon/<host>/diskusage/<path>, with {"id": host, "diskusage": percent, "mount": path}, from Salt's
# own beacon, which state o2.host sets up (pillar o2:disk_full_percent). It repeats every minute while it is true.
#
# Done here is only what cannot hurt: old system logs. Data are the site's: a rule of its own can move
# them away, or stop the runs with runner.o2.run_stop as beam_dump.sls does.

make_room_on_a_full_disk:
  local.cmd.run:
    - tgt: {{ data['id'] | yaml_dquote }}
    - tgt_type: list
    - args:
      - cmd: journalctl --vacuum-size=200M
