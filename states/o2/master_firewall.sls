# Open the ports of the master to minions.
{% from 'o2/map.jinja' import o2, is_master with context %}
{% from 'o2/refusal.jinja' import refusal with context %}
{% if not is_master %}
{{ refusal('o2.master_firewall', 'o2:master:minions') }}
{% else %}
{% from 'o2/firewall.jinja' import holes with context %}
{{ holes(o2.firewall, 'o2-master', o2.firewall.master_ports) }}
{% endif %}
