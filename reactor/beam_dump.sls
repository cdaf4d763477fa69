# What to do when the beam is gone: stop every run, in order, so that its end is recorded properly.
#
# The event comes from whatever watches the machine; by hand, or for a rehearsal:
#
#   salt-call event.send salt/o2/beam/dump '{"reason": "beam dump of fill 10112"}'
#
# Wire it in the master's configuration (rules.conf does):
#
#   reactor:
#     - 'salt/o2/beam/dump':
#       - /srv/reactor/o2/beam_dump.sls

stop_runs_at_beam_dump:
  runner.o2.run_stop:
    - args:
      - all: True
      - reason: {{ data.get('data', data).get('reason', 'beam dump') | yaml_dquote }}
