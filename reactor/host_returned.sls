# Minions have connected: let control ask their agents for full reports, so that it uses their hosts at once.
#
# Event: salt/presence/change, with {"lost": [...], "new": [...]}, from a master with presence_events: True (state
# o2.master sets it). Control stops rescheduled tasks on a host that was lost when the agent has reported them.

{% if data.get('new') %}
ask_returned_hosts:
  runner.o2.host_returned:
    - args:
      - hosts: {{ data['new'] | list | tojson }}
{% endif %}
