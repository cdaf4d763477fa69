# A host has started, is new, or was installed again: see whether it is as o2.host says, or make it so.
#
# Event: salt/minion/<host>/start, of every minion of the master. Any minion can send it with any id, so it is no more
# than a reason to look. The target lets in a host only if its own pillar names it (`o2:hosts`): a minion that the site
# has not named takes no part, whatever the event says.
#
# The state is tried (test=True) and changes nothing; its result lies in the job cache. Where the host's pillar has
# `o2:at_start: apply` it is applied. Nothing happens then on a host that is as it should be, and tasks that survived
# a restart of their minion go on. `queue` lets it wait for a state that runs already. Many hosts that start at once
# ask the master at once: spread them by random_startup_delay in the minions' configuration.

{% set id = data.get('id', '') | string %}
{# An id that is more than one word could widen the target. #}
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
