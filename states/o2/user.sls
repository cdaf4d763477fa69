# The account of tasks, the directories of agent and control, and the limits of logins of that account.
{% from 'o2/map.jinja' import o2, is_host, is_master with context %}
{% from 'o2/refusal.jinja' import refusal with context %}
{% if not (is_host or is_master) %}
{{ refusal('o2.user', 'o2:hosts or o2:master:minions') }}
{% else %}

o2_user:
  group.present:
    - name: {{ o2.user.name }}
    - system: True
  user.present:
    - name: {{ o2.user.name }}
    - gid: {{ o2.user.name }}
    - system: True
    - home: {{ o2.user.home }}
    - createhome: False
    - shell: /usr/sbin/nologin
    - fullname: Salt O2 tasks
    {% if o2.user.groups %}
    - optional_groups: {{ o2.user.groups | json }}
    {% endif %}
    - remove_groups: False
    - require:
      - group: o2_user

/var/lib/o2:
  file.directory:
    - mode: '0755'

{{ o2.user.home }}:
  file.directory:
    - user: {{ o2.user.name }}
    - group: {{ o2.user.name }}
    - mode: '0750'
    - require:
      - user: o2_user
      - file: /var/lib/o2

/etc/security/limits.d/60-o2.conf:
  file.managed:
    - source: salt://o2/files/limits.conf.jinja
    - template: jinja
    - mode: '0644'
    - makedirs: True
    - context:
        user: {{ o2.user.name }}
        limits: {{ o2.limits | json }}
{% endif %}
