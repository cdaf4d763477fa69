# Pillar of each minion. Agents read the settings of their host, control reads those of the site.
#
# All targets are exact IDs, from machines.yaml and detectors.yaml. A pattern such as '*' or '*_master' would give the
# pillar to each minion with a matching name.
#
# Salt merges files that reach one host, maps key by key. If two files have a value for a key, the later file wins.
# With pillar_source_merging_strategy: smart (Salt's default) lists are not added. For agents, `o2:` in the minion's
# configuration has the highest precedence. For control, attributes, address and ports in pillar win over it.
#
# After a change run `salt-run o2.site_check`, then `salt -I 'o2:hosts:*' saltutil.refresh_pillar`, and restart the
# minions whose attributes or ports changed (tasks are not affected).
{% import_yaml 'detectors.yaml' as detectors %}
{% import_yaml 'machines.yaml' as machines %}
{% set hosts = (machines.hosts or []) + detectors.values() | map(attribute='hosts') | sum(start=[]) %}
base:
  {% if hosts %}
  'L@{{ hosts | unique | join(',') }}':
    - match: compound
    - hosts
  {% endif %}
  'E@^{{ machines.master | regex_escape }}$':
    - match: compound
    - access
    - master
  'E@^{{ machines.control | regex_escape }}$':
    - match: compound
    - site
    - configuration
    - access
