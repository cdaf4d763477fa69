# Configuration of components: component / RUNTYPE / role / entry, and entries are texts. What is not there for a run
# type is looked up under ANY, what is not there for a role under any. `salt-run o2.config_show` says what is found.
# This is so with `configuration: pillar`, which is what control assumes; a directory, Consul or etcd may hold it too.
#
# Secrets do not belong into a file that people share. Let Salt decrypt them as the pillar is compiled, so that
# they reach only whom top.sls names and never the hosts' disks: put `#!yaml|gpg` on the first line and write the
# value as a PGP message (salt.renderers.gpg), or fetch it from Vault (saltext-vault's ext_pillar).
o2:
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

  # Detectors and hosts as functions of templates know them (DetectorForHost, HostsForDetector, ...).
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
