"""Salt O²: control of distributed data-taking on a cluster that Salt manages.

Keep this file free of imports: Salt loads it in every one of its processes.
"""
