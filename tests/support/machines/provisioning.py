"""How tests set hosts up from nothing, as `vagrant up` and a site do it, and ask what comes of it."""

import json

PROVISION_S = 1200
"""For a machine that others use, too; half a minute when it is idle."""
STATE = "salt-call --local --out=json --log-level=error --file-root=/vagrant/states state.apply queue=100"
"""A number waits for states that run; `True` would leave the job to a minion, and say that all is well."""
NAMED = "hosts: [flp1, flp2, flp3]"
FROM_WHEELS = (
    f"pillar='{{o2: {{{NAMED}, install: {{index: false, find_links: /wheels}}, "
    "master: {minions: [master], examples: true, user: vagrant}}}'"
)


def as_owner(master, command, timeout_s=120):
    """Run a command on the master as the one who owns it there, and return the JSON that it prints."""
    done = master.run(
        f"su vagrant -c 'cd; {command} --out=json 2>/tmp/said'", timeout_s=timeout_s, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout}\n{master.run('cat /tmp/said').stdout}"
    return json.loads(done.stdout)


def provision(host, *words):
    """Run the script of `vagrant up` on a host; return what it said."""
    command = f"cd /; O2_WHEELS=/wheels sh /vagrant/vagrant/provision.sh {' '.join(words)}"
    return host.run(command, timeout_s=PROVISION_S).stdout


def make_site(hosts):
    """Make the hosts, a master and others by their names, a site of Salt O²."""
    master, *others = hosts.values()
    provision(master, "master", master.name, master.address, "vagrant")
    for host in others:
        said = provision(host, "host", host.name, host.address, master.address)
        assert said.endswith(f"== {host.name}: ready\n")


def apply(host, sls, words=""):
    """Apply a state on a host; return the results by state id. None may have failed."""
    done = host.run(f"{STATE} {sls} {words}", check=False)
    results = json.loads(done.stdout)["local"]
    assert all(isinstance(state, dict) for state in results.values()), results
    assert [state for state in results.values() if state["result"] is False] == []
    return results


def changed(host, sls, words=""):
    """Apply a state on a host; return the ids of what changed, or would change."""
    results = apply(host, sls, words)
    return [name for name, state in results.items() if state["result"] is None or state["changes"]]


def pids(site):
    """The pid of each task, by its id; None where control does not know it (yet)."""
    return {task["id"]: task["pid"] for task in as_owner(site["master"], "salt-run o2.task_list")}
