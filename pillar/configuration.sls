# Configuration of components: component / run type / role / entry. What is not there for a run type is looked up
# under ANY, what is not there for a role under any.
#
# Secrets do not belong into a file that people share. Let Salt decrypt them as the pillar is compiled, so that
# they reach only whom top.sls names and never the hosts' disks: put `#!yaml|gpg` on the first line and write the
# value as a PGP message (salt.renderers.gpg), or fetch it from Vault (saltext-vault's ext_pillar).
o2:
  configuration:
    readout:
      ANY:
        any:
          buffer: {size_mb: 512, pages: 1024}
      PHYSICS:
        any:
          buffer: {size_mb: 4096, pages: 8192}
        flp3:                                  # one host with less memory
          buffer: {size_mb: 2048, pages: 4096}
