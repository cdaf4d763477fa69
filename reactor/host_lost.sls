# Hosts have gone: have control place anew what may run elsewhere.
#
# Event: salt/presence/change, with {"lost": [...], "new": [...]}; it needs presence_events: True on the master.
# Salt looks every half minute; control, by its heartbeats, is quicker and has mostly acted before.

{% for host in data.get('lost', []) %}
repair_without_{{ host }}:
  runner.o2.host_lost:
    - args:
      - host: {{ host | yaml_dquote }}
{% endfor %}
