# Channels between tasks of different hosts, and with the master, which asks there whether a silent host lives.
# Control ports stay closed: agents speak to their own host only.
{% from 'o2/map.jinja' import o2, is_host with context %}
{% from 'o2/refusal.jinja' import refusal with context %}
{% if not is_host %}
{{ refusal('o2.firewall', 'o2:hosts') }}
{% else %}
{% from 'o2/firewall.jinja' import holes with context %}
{{ holes(o2.firewall, 'o2-channels', [o2.channel_ports | join('-')]) }}
{% endif %}
