# Configuration of components: component / RUNTYPE / role / entry. Entries are texts. If a run type has no entry, ANY is
# searched; if a role has none, any. `salt-run o2.config_show` shows the entry that is found.
# This holds for `configuration: pillar`, the default. A directory, Consul or etcd may hold the entries instead.
#
# Each user with the role viewer reads these entries in clear, by `o2.config_show` and in the variables of a workflow,
# except the entries that `o2:secrets` names: tasks get them, and no answer of control shows them.
o2:
  # secrets: ['kafka', 'qc/*/*/password']    # all entries of a component; one entry for each run type and role

  components:
    readout:
      ANY:
        any:
          buffer: |
            size_mb: 512
            detectors: {{ '{{ detectors }}' }}
      PHYSICS:
        any:
          buffer: 'size_mb: 4096'
        flp3:                                  # one host with less memory
          buffer: 'size_mb: 2048'

  # Detectors and hosts for functions of templates (DetectorForHost, HostsForDetector, ...).
  {% import_yaml 'detectors.yaml' as detectors %}
  hardware:
    detectors:
      {% for detector, about in detectors.items() %}
      {{ detector }}:
        flps:
          {% for host in about.hosts %}
          {{ host }}: {cards: '[]'}
          {% endfor %}
      {% endfor %}
