# Minions reach their master.
{% from 'o2/map.jinja' import o2 with context %}
{% from 'o2/firewall.jinja' import holes with context %}
{{ holes(o2.firewall, 'o2-master', o2.firewall.master_ports) }}
