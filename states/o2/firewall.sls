# Open channel ports between tasks of different hosts, and to the master, which probes the tasks of silent hosts there.
# Control ports are closed to other machines and accounts: an agent controls the devices of its own host only.
{% from 'o2/map.jinja' import o2, is_host with context %}
{% from 'o2/refusal.jinja' import refusal with context %}
{% if not is_host %}
{{ refusal('o2.firewall', 'o2:hosts') }}
{% else %}
{% from 'o2/firewall.jinja' import holes with context %}
{{ holes(o2.firewall, 'o2-channels', [o2.channel_ports | join('-')]) }}

{%- set wall = o2.firewall %}
{%- set known = salt['config.get']('master_ip') %}
{%- set masters = ([known] if known else []) if wall.masters == 'auto' else wall.masters %}
{%- set masters = masters | map('replace', '[', '') | map('replace', ']', '') | list %}
{%- set agent = salt['file.user_to_uid'](salt['config.get']('user') or 'root') %}
{%- if wall.confine == true or (wall.confine == 'auto' and wall.manage != 'none' and salt['cmd.has_exec']('nft')) %}
# Devices accept requests on control ports without authentication. The firewall of the site does not see connections
# within this host, and may permit more machines than those of the site. This table rejects them.
# The master probes the tasks of a silent host there, so it is permitted.
/etc/o2/ports.nft:
  file.managed:
    - makedirs: True
    - mode: '0644'
    - contents: |
        # Made by state o2.firewall. Loaded by o2-ports.service.
        table inet o2_ports
        delete table inet o2_ports
        table inet o2_ports {
          chain from_here {
            type filter hook output priority 0; policy accept;
            oifname "lo" tcp dport {{ o2.control_ports | join('-') }} tcp flags & (syn | ack) == syn meta skuid != { {{ [0, agent] | unique | join(', ') }} } reject with tcp reset
          }
          chain from_others {
            type filter hook input priority 0; policy accept;
            iifname "lo" accept
            {%- for master in masters %}
            tcp dport {{ o2.control_ports | join('-') }} {{ 'ip6' if ':' in master else 'ip' }} saddr {{ master }} accept
            {%- endfor %}
            tcp dport {{ o2.control_ports | join('-') }} tcp flags & (syn | ack) == syn reject with tcp reset
            {%- for source in wall.sources %}
            tcp dport {{ o2.channel_ports | join('-') }} {{ 'ip6' if ':' in source else 'ip' }} saddr {{ source }} accept
            {%- endfor %}
            {%- if wall.sources %}
            tcp dport {{ o2.channel_ports | join('-') }} tcp flags & (syn | ack) == syn reject with tcp reset
            {%- endif %}
          }
        }

/etc/systemd/system/o2-ports.service:
  file.managed:
    - mode: '0644'
    - contents: |
        # Made by state o2.firewall.
        [Unit]
        Description=Close the control ports of Salt O2 to other accounts and machines
        After=nftables.service firewalld.service
        Before=salt-minion.service
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/usr/sbin/nft -f /etc/o2/ports.nft
        ExecReload=/usr/sbin/nft -f /etc/o2/ports.nft
        [Install]
        WantedBy=multi-user.target

o2_ports_at_boot:
  cmd.run:
    - name: systemctl daemon-reload && systemctl enable o2-ports.service
    - onlyif: test -d /run/systemd/system
    - unless: systemctl is-enabled --quiet o2-ports.service
    - require:
      - file: /etc/systemd/system/o2-ports.service

o2_ports_changed:
  cmd.run:
    - name: nft -f /etc/o2/ports.nft
    - onchanges:
      - file: /etc/o2/ports.nft

# A site that loads its own rules again may have removed this table.
o2_ports_missing:
  cmd.run:
    - name: nft -f /etc/o2/ports.nft
    - unless: nft list table inet o2_ports
    - require:
      - cmd: o2_ports_changed
{%- endif %}
{% endif %}
