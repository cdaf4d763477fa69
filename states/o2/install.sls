# Salt O² in Salt's own Python: a virtual environment, the Python of a distribution, or the onedir packages (there
# Salt uses `salt-pip`, so that an upgrade of the Salt package keeps it).
{% from 'o2/map.jinja' import o2, is_host, is_master with context %}
{% from 'o2/refusal.jinja' import refusal with context %}
{% if not (is_host or is_master) %}
{{ refusal('o2.install', 'o2:hosts or o2:master:minions') }}
{% else %}
{% set wheels = o2.install.find_links %}

{% if wheels.startswith('salt://') %}
{% set wheels = '/var/lib/o2/wheels' %}
o2_wheels:
  file.recurse:
    - name: {{ wheels }}
    - source: {{ o2.install.find_links }}
    - clean: True
    - require_in:
      - pip: o2_package
{% endif %}

o2_tools:
  pkg.installed:
    - pkgs: {{ o2.packages | json }}

o2_package:
  pip.installed:
    - name: salt-o2{{ ' == ' ~ o2.install.version if o2.install.version }}
    {% if wheels %}
    - find_links: {{ wheels }}
    {% endif %}
    - no_index: {{ not o2.install.index }}
    {% if o2.install.options %}
    - extra_args: {{ o2.install.options | json }}
    {% endif %}
{% endif %}
