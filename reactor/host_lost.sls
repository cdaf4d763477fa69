# Minions have disconnected: let control probe their hosts at once, instead of when heartbeats are missing.
#
# Event: salt/presence/change, with {"lost": [...], "new": [...]}, from a master with presence_events: True (state
# o2.master sets it). Salt checks once a minute. With faster heartbeats control usually knows before.
#
# The event is a hint: control probes the tasks that it has started there. If the agent reports or a task answers,
# nothing happens, so that the restart of a minion has no effect. If the site knows that a host is off, because it
# has switched it off, a rule of the site may call the same function with `sure: True`.

{% if data.get('lost') %}
look_at_lost_hosts:
  runner.o2.host_lost:
    - args:
      - hosts: {{ data['lost'] | list | tojson }}
{% endif %}
