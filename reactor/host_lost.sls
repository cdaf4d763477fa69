# Minions have gone: have control look at those hosts at once, not only when it misses their heartbeats.
#
# Event: salt/presence/change, with {"lost": [...], "new": [...]}, from a master with presence_events: True (state
# o2.master sets it). Salt looks once a minute; where heartbeats are quicker, control mostly knew before.
#
# It is a hint: control asks what it has started there. Where an agent reports or a task answers, nothing
# happens, so that the restart of a minion costs nothing. If the site knows for sure that a host is off, because
# it has switched it off, let a rule of its own say so by the same function with `sure: True`.

{% if data.get('lost') %}
look_at_lost_hosts:
  runner.o2.host_lost:
    - args:
      - hosts: {{ data['lost'] | list | tojson }}
{% endif %}
