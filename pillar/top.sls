# Which pillar goes to whom. Agents read attributes of their host, control reads variables of the site.
base:
  '*':
    - hosts
  '*_master':
    - site
