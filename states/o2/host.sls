# A host whose tasks Salt O² controls. Idempotent; `test=True` shows the changes. May be applied during
# a run: the state restarts the minion if needed, but no task.
{% from 'o2/map.jinja' import o2, is_host with context %}
{% from 'o2/refusal.jinja' import refusal with context %}
{% if not is_host %}
{{ refusal('o2.host', 'o2:hosts') }}
{% else %}
{% set pki = salt['config.get']('pki_dir') %}

include:
  - o2.install
  - o2.user
  - o2.kernel
  - o2.firewall

{{ o2.directories.agent }}:
  file.directory:
    - mode: '0711'
    - makedirs: True
    - require:
      - file: /var/lib/o2

/etc/salt/minion.d/60-o2.conf:
  file.managed:
    - source: salt://o2/files/minion.conf.jinja
    - template: jinja
    - makedirs: True
    - mode: '0644'
    - context:
        directory: {{ o2.directories.agent }}
        task_users: {{ (o2.task_users or [o2.user.name]) | json }}
        task_environment: {{ o2.task_environment | json }}
        percent: {{ o2.disk_full_percent }}
        python: {{ grains['pythonexecutable'] }}
        returners: {{ o2.returners | json }}
    - require:
      - pip: o2_package
      - file: {{ o2.directories.agent }}

# Minion, agent and salt-call each sign in. At the very first start each would create a key pair, and the master would
# know only the last one.
o2_minion_keys:
  cmd.run:
    - name: {{ grains['pythonexecutable'] }} -c 'import salt.crypt; salt.crypt.write_keys("{{ pki }}", "minion", 2048)'
    - creates: {{ pki }}/minion.pem
    - require:
      - file: {{ pki }}
    - require_in:
      - service: o2_minion

{{ pki }}:
  file.directory:
    - mode: '0700'
    - makedirs: True

/etc/systemd/system/salt-minion.service.d/60-o2.conf:
  file.managed:
    - source: salt://o2/files/minion-service.conf.jinja
    - template: jinja
    - makedirs: True
    - mode: '0644'
    - context:
        limits: {{ o2.limits | json }}

o2_minion_units:
  cmd.run:
    - name: systemctl daemon-reload
    - onchanges:
      - file: /etc/systemd/system/salt-minion.service.d/60-o2.conf

# In five seconds (systemd may delay a timer by a minute unless AccuracySec is set), from a separate unit: the job
# of this state must report its result first.
o2_minion_restart:
  cmd.run:
    - name: systemd-run --collect --on-active=5 --timer-property=AccuracySec=100ms systemctl restart salt-minion.service
    - onlyif: systemctl is-active --quiet salt-minion.service
    - onchanges:
      - pip: o2_package
      - file: /etc/salt/minion.d/60-o2.conf
      - file: /etc/systemd/system/salt-minion.service.d/60-o2.conf
    - require:
      - cmd: o2_minion_units

o2_minion:
  service.running:
    - name: salt-minion
    - enable: True
    - require:
      - file: /etc/salt/minion.d/60-o2.conf
      - cmd: o2_minion_restart
{% endif %}
