# Kernel settings. They reserve our ports, so that no outgoing connection gets one, whatever the ephemeral range.
# A container may not change all of them: the output names those, which are left to its host.
{% from 'o2/map.jinja' import o2, is_host with context %}
{% from 'o2/refusal.jinja' import refusal with context %}
{% if not is_host %}
{{ refusal('o2.kernel', 'o2:hosts') }}
{% else %}
{% set settings = dict(o2.sysctl) %}
{% set ranges = [o2.channel_ports, o2.control_ports] | sort %}
{% do settings.update({'net.ipv4.ip_local_reserved_ports': ranges | map('join', '-') | join(',')}) %}

{% for name, value in settings | dictsort %}
{% if salt['file.access']('/proc/sys/' ~ name | replace('.', '/'), 'w') %}
{{ name }}:
  sysctl.present:
    - value: '{{ value }}'
    - config: /etc/sysctl.d/60-o2.conf
{% else %}
{{ name }}_is_not_ours:
  test.succeed_without_changes:
    - comment: This host may not set {{ name }}; set it to {{ value }} on the machine that it runs on.
{% endif %}
{% endfor %}
{% endif %}
