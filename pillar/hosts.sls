# What is known of each host. Constraints in templates match the attributes:
#
#   constraints:
#     - attribute: machine_type
#       value: flp
o2:
  attributes:
    machine_type: {{ 'flp' if grains['id'].startswith('flp') else 'other' }}
    detector: TST
