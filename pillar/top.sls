# Which pillar goes to whom: agents read what is said of their host, control what is said of the site.
#
# Targets are Salt's: an id, a glob, a list, a grain, a nodegroup (`salt '*' pillar.items` shows what came of it).
# Files that reach one host are merged, maps key by key, and of two values for one key the later file's wins.
# With pillar_source_merging_strategy: smart (Salt's default) lists are not added up. Above all that stands `o2:` in
# the configuration of a minion or the master, for what only that machine knows, such as its address.
#
# After a change: `salt-run o2.site_check`, then `salt '*' saltutil.refresh_pillar`, and restart the minions whose
# attributes or ports changed (tasks do not mind).
base:
  '*':
    - hosts
  'master':              # the minion on the master's machine, to which state o2.master is applied
    - access
  '*_master':            # the id under which Salt gives the master itself a pillar
    - site
    - configuration
    - access
