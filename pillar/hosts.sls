# What is known of each host. Constraints in templates match the attributes:
#
#   constraints:
#     - attribute: machine_type
#       value: flp
{% import_yaml 'detectors.yaml' as detectors %}
{% set id = grains['id'] %}
o2:
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
  #   manage: none                        # if the site's firewall is somebody else's business
