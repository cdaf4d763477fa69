# The values that all other states here use, as this host has them:
#
#   salt flp1 slsutil.renderer salt://o2/show.sls
{% from 'o2/map.jinja' import o2 with context %}
{{ o2 | yaml(False) }}
