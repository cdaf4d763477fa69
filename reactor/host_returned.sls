# Minions are there (again): have control ask their agents for everything, so that their hosts are used at once.
#
# Event: salt/presence/change, with {"lost": [...], "new": [...]}, from a master with presence_events: True (state
# o2.master sets it). What is stale on a host that was given up is ended as soon as its agent has told of it.

{% if data.get('new') %}
ask_returned_hosts:
  runner.o2.host_returned:
    - args:
      - hosts: {{ data['new'] | list | tojson }}
{% endif %}
