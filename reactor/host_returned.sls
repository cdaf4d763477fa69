# Hosts are back: have control end what is stale on them, and use them again.
#
# Event: salt/presence/change, with {"lost": [...], "new": [...]}; it needs presence_events: True on the master.

{% for host in data.get('new', []) %}
use_again_{{ host }}:
  runner.o2.host_returned:
    - args:
      - host: {{ host | yaml_dquote }}
{% endfor %}
