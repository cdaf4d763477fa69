# Which pillar goes to which minion: agents read what is said of their host, control what is said of the site.
#
# All targets are exact ids, from machines.yaml and detectors.yaml. A pattern such as '*' or '*_master' would give the
# pillar to each minion that takes a fitting name.
#
# Files that reach one host are merged, maps key by key, and of two values for one key the later file's wins.
# With pillar_source_merging_strategy: smart (Salt's default) lists are not added up. Above all that stands `o2:` in
# the configuration of a minion or the master, for what only that machine knows, such as its address.
#
# After a change: `salt-run o2.site_check`, then `salt -I 'o2:hosts:*' saltutil.refresh_pillar`, and restart the
# minions whose attributes or ports changed (tasks do not mind).
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
