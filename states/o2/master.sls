# A Salt master that owns environments. Apply it to the minion on the machine of the master, or there
# with `salt-call --local`. May be applied during runs: tasks do not need the master.
{% from 'o2/map.jinja' import o2, is_master, owner with context %}
{% from 'o2/refusal.jinja' import refusal with context %}
{% if not is_master %}
{{ refusal('o2.master', 'o2:master:minions') }}
{% elif o2.master.repositories | select('match', 'https?://([^/?#]*@|[^?#]*[?#])') | list %}

# Each user of the `salt` and `coconut` programs must be able to read the files in master.d.
o2.master refuses a secret:
  test.fail_without_changes:
    - name: a repository in o2:master:repositories has a user, a password or parameters in its URL
    - comment: >-
        Nothing was changed. Each account of the master can read /etc/salt/master.d/60-o2.conf. Write this
        repository under o2:repositories of the pillar of the master itself.
{% else %}

include:
  - o2.install
  - o2.user
  - o2.master_firewall

{{ o2.directories.control }}:
  file.directory:
    - user: {{ owner }}
    - mode: '0700'
    - makedirs: True
    - require:
      - file: /var/lib/o2

{% for folder in o2.master.repositories if folder.startswith('/') %}
{{ folder }}:
  file.directory:
    - makedirs: True
    - mode: '0755'
    - unless: test -e {{ folder }}
{% endfor %}

# Link the states and rules of the package into the folders of the site, if nothing is there yet. Replace a link by a
# copy to change them. `python -m salt_o2.where` prints their folder in Salt's Python.
{% for link, folder in (('/srv/salt/o2', 'states/o2'), ('/srv/reactor/o2', 'reactor')) %}
{{ link }}:
  cmd.run:
    - name: >-
        mkdir -p {{ salt['file.dirname'](link) }} &&
        ln -s "$({{ grains['pythonexecutable'] }} -m salt_o2.where {{ folder }})" {{ link }}
    - unless: test -e {{ link }}
    - require:
      - pip: o2_package
{% endfor %}

/etc/salt/master.d/60-o2.conf:
  file.managed:
    - source: salt://o2/files/master.conf.jinja
    - template: jinja
    - makedirs: True
    - mode: '0644'
    - context:
        directory: {{ o2.directories.control }}
        repositories: {{ o2.master.repositories | json }}
        host_rules: {{ o2.master.host_rules }}
        examples: {{ o2.master.examples }}
        python: {{ grains['pythonexecutable'] }}
    - require:
      - pip: o2_package
      - file: {{ o2.directories.control }}

# Roles of users. Without o2:access only the user of the master and root control environments.
/etc/salt/master.d/61-o2-access.conf:
  {% if o2.access or o2.peers %}
  file.managed:
    - source: salt://o2/files/access.conf.jinja
    - template: jinja
    - makedirs: True
    - mode: '0644'
    - context:
        python: {{ grains['pythonexecutable'] }}
        granted:
          access: {{ o2.access | json }}
          eauth: {{ o2.master.eauth | json }}
          peers: {{ o2.peers | json }}
    - require:
      - pip: o2_package
  {% else %}
  file.absent: []
  {% endif %}

# Salt calls PAM in a process of the system's Python, which does not know a Salt in a virtual environment. The Python of
# that environment, if it were named directly, would resolve to the system's Python.
{% set asking = '/var/lib/o2/python-of-salt' %}
{{ asking }}:
  {% if o2.access and o2.master.eauth == 'pam' %}
  file.managed:
    - contents: |
        #!/bin/sh
        exec {{ grains['pythonexecutable'] }} "$@"
    - mode: '0755'
    - require:
      - file: /var/lib/o2
  {% else %}
  file.absent: []
  {% endif %}

/etc/systemd/system/salt-master.service.d/60-o2.conf:
  file.managed:
    - source: salt://o2/files/master-service.conf
    - makedirs: True
    - mode: '0644'

o2_master_units:
  cmd.run:
    - name: systemctl daemon-reload
    - onchanges:
      - file: /etc/systemd/system/salt-master.service.d/60-o2.conf

# In five seconds: the job of this state must report its result to this master first.
o2_master_restart:
  cmd.run:
    - name: systemd-run --collect --on-active=5 --timer-property=AccuracySec=100ms systemctl restart salt-master.service
    - onlyif: systemctl is-active --quiet salt-master.service
    - onchanges:
      - pip: o2_package
      - file: /etc/salt/master.d/60-o2.conf
      - file: /etc/salt/master.d/61-o2-access.conf
      - file: /etc/systemd/system/salt-master.service.d/60-o2.conf
    - require:
      - cmd: o2_master_units

o2_master:
  service.running:
    - name: salt-master
    - enable: True
    - require:
      - file: /etc/salt/master.d/60-o2.conf
      - cmd: /srv/reactor/o2
      - cmd: o2_master_restart
{% endif %}
