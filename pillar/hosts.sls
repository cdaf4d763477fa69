# What is known of each host. Constraints in templates match the attributes:
#
#   constraints:
#     - attribute: machine_type
#       value: flp
{% import_yaml 'detectors.yaml' as detectors %}
{% set id = grains['id'] %}
o2:
  # The hosts that the site has named, as this host sees them: itself. Without it o2.host refuses the minion.
  hosts: [{{ id }}]

  attributes:
    machine_id: {{ id }}
    machine_type: {{ 'flp' if id.startswith('flp') else 'other' }}
    {% for detector, about in detectors.items() if id in about.hosts %}
    detector: {{ detector }}
    {% endfor %}

  # Agents speak to tasks through control ports, which nobody else may reach; tasks of different hosts speak to
  # each other through channel ports, which o2.host opens. Hosts that share an address share their ports.
  control_ports: [30000, 32767]
  channel_ports: [9000, 19999]

  # What states o2.host and o2.master make of a machine; states/o2/defaults.yaml has all there is.
  #
  # install:
  #   version: '0.2.0'                    # an upgrade is a change here and state.apply; runs go on
  #   find_links: salt://wheels           # wheels that the master serves, for hosts without a way out
  #   index: false
  # limits:
  #   memlock: infinity
  # firewall:
  #   manage: none                        # if the site's firewall is none of Salt O²'s business
  #
  # What the rules about whole machines do on this host (reactor/host_rules.conf):
  #
  # at_start: apply                       # o2.host is applied when the minion starts; else only tried (test=True)
  # on_full_disk: vacuum                  # old system logs are deleted; else nothing is
