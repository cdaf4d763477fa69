# A minion has started: test whether its host has the state o2.host, or apply the state.
#
# Event: salt/minion/<host>/start, of each minion of the master. Any minion can send it with any ID, so the rule only
# checks. The target includes a host only if its own pillar names it (`o2:hosts`), whatever the event says.
#
# The state is tested (test=True) and changes nothing. Its result is in the job cache. If the pillar of the host has
# `o2:at_start: apply`, the state is applied. It changes nothing on a correct host, and tasks that survived the restart
# of the minion continue. `queue` lets the job wait for a running state. Many hosts that start together
# load the master: spread them with random_startup_delay in the configuration of the minions.

{% set id = data.get('id', '') | string %}
{# An ID of more than one word could match more minions. #}
{% if id | regex_match('([A-Za-z0-9_][A-Za-z0-9_.-]*)$') and id == id.strip() %}
look_at_a_started_host:
  local.state.apply:
    - tgt: 'L@{{ id }} and I@o2:hosts:{{ id }} and not I@o2:at_start:apply'
    - tgt_type: compound
    - args:
      - mods: o2.host
      - queue: True
      - test: True

bring_a_started_host_into_line:
  local.state.apply:
    - tgt: 'L@{{ id }} and I@o2:hosts:{{ id }} and I@o2:at_start:apply'
    - tgt_type: compound
    - args:
      - mods: o2.host
      - queue: True
{% endif %}
