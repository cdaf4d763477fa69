# Settings of each host. Constraints of templates match the attributes:
#
#   constraints:
#     - attribute: machine_type
#       value: flp
{% import_yaml 'detectors.yaml' as detectors %}
{% import_yaml 'machines.yaml' as machines %}
{% set id = grains['id'] %}
{% set own = (machines.get("declared") or {}).get(id) or {} %}
o2:
  # The hosts that the site has named, as this host sees them: itself. Without it o2.host refuses the minion.
  hosts: [{{ id }}]

  # What control believes of the host. A claim of the host itself is used only where the pillar of no host speaks: without
  # an address here a host may name one, as long as it is not that of another machine.
  {% for name in ('address', 'cpus', 'memory_mb') if name in own %}
  {{ name }}: {{ own[name] | json }}
  {% endfor %}
  attributes:
    machine_id: {{ id }}
    machine_type: {{ 'flp' if id.startswith('flp') else 'other' }}
    {% for detector, about in detectors.items() if id in about.hosts %}
    detector: {{ detector }}
    {% endfor %}

  # Agents control tasks through control ports, which no other account may reach. Tasks of different hosts exchange
  # data through channel ports, which o2.host opens. Hosts with the same address share their ports.
  control_ports: {{ own.get('control_ports', [30000, 32767]) | json }}
  channel_ports: {{ own.get('channel_ports', [9000, 19999]) | json }}

  # Settings of the states o2.host and o2.master; states/o2/defaults.yaml lists all of them.
  #
  # install:
  #   version: '0.2.0'                    # to upgrade, change it and run state.apply; runs continue
  #   find_links: salt://wheels           # wheels that the master serves, for hosts without internet
  #   index: false
  # limits:
  #   memlock: infinity
  # firewall:
  #   manage: none                        # if the site manages its firewall itself
  #
  # What the rules for whole machines do on this host (reactor/host_rules.conf):
  #
  # at_start: apply                       # apply o2.host when the minion starts; default: only test=True
  # on_full_disk: vacuum                  # delete old system logs; default: delete nothing
