#!/bin/sh
# Makes a machine of the laptop's cluster from a bare system, by Salt and the project's own states.
#
#   provision.sh master NAME ADDRESS OWNER
#   provision.sh host   NAME ADDRESS MASTER
#
# ADDRESS is the machine's own in the cluster's network, MASTER the master's. OWNER is who may control: the
# master runs as that user, so that salt-run needs no sudo. What differs from a site on real machines is in
# this file; what is the same is in states/.
set -eu
role=$1 name=$2 address=$3 other=$4
source=${O2_SOURCE:-/vagrant}
wheels=${O2_WHEELS:-}
here=$(dirname "$0")

say() { echo "== $name: $*"; }

wait_for() { # SECONDS WHAT COMMAND...
    left=$1 what=$2
    shift 2
    until timeout 20 "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        if [ "$left" -le 0 ]; then
            say "$what does not come"
            coconut=$(dirname "$python")/coconut
            [ ! -x "$coconut" ] || SALT_CONFIG_DIR=/etc/salt "$coconut" doctor || true
            tail -n 5 /var/log/salt/* 2>/dev/null | grep -v unclosed || true
            exit 1
        fi
        sleep 1
    done
}

say "Salt"
"$here/install-salt.sh" "$wheels"

say "Salt O² as a wheel"
python=$(salt-call --local --log-level=error --out=txt grains.get pythonexecutable | cut -d' ' -f2)
built=/var/lib/o2/wheels
mkdir -p "$built"
if [ -n "$wheels" ]; then
    cp -n "$wheels"/*.whl "$built"/
fi
if ! ls "$built"/salt_o2-*.whl >/dev/null 2>&1; then
    copy=$(mktemp -d)
    (cd "$source" && tar cf - --exclude=./.git --exclude=./.venv --exclude=./build --exclude=./.vagrant .) |
        tar xf - -C "$copy"
    "$python" -m pip wheel -q --no-deps ${wheels:+--no-index --find-links="$wheels"} -w "$built" "$copy"
    rm -rf "$copy"
fi
package="\"install\": {\"find_links\": \"$built\", \"index\": $([ -n "$wheels" ] && echo false || echo true)}"

say "state o2.$role"
mkdir -p /etc/salt/minion.d
if [ "$role" = master ]; then
    mkdir -p /etc/salt/master.d
    cat >/etc/salt/master.d/90-laptop.conf <<CONF
# Written by vagrant/provision.sh: what a laptop's cluster may do, and a site should not.
interface: $address
user: $other
id: ${name}_master
auto_accept: True          # only these machines are in this network
pillar_roots: {base: [/srv/pillar]}
peer_run:                  # a host asks whether control knows it, before it says that it is ready
  .*: [o2\\.host_list\$]
CONF
    for folder in /etc/salt/pki/master /var/cache/salt/master /var/log/salt /var/run/salt/master; do
        mkdir -p "$folder"
        chown -R "$other" "$folder" # as Salt's packages do it for user salt
    done
    [ -e /srv/pillar ] || cp -r "$source/pillar" /srv/pillar
    cat >/srv/pillar/machines.yaml <<PILLAR
# Written by vagrant/provision.sh.
hosts: [$(seq -s, -f 'flp%g' 1 "${O2_HOSTS:-3}")]
master: $name
control: ${name}_master
PILLAR
    salt-call --local --retcode-passthrough --state-output=changes --file-root="$source/states" \
        --id="$name" state.apply o2.master queue=100 \
        pillar="{\"o2\": {$package, \"master\": {\"minions\": [\"$name\"], \"examples\": true, \"user\": \"$other\"}}}"
    wait_for 60 control su -s /bin/sh -c 'salt-run o2.info --out=json' "$other"
else
    cat >/etc/salt/minion.d/90-laptop.conf <<CONF
# Written by vagrant/provision.sh.
master: $other
id: $name
o2:
  address: $address        # the first network of a virtual machine leads only to its host
CONF
    salt-call --local --retcode-passthrough --state-output=changes --file-root="$source/states" \
        state.apply o2.host queue=100 pillar="{\"o2\": {$package, \"hosts\": [\"$name\"]}}"
    known="salt-call --out=json publish.runner o2.host_list | grep -q '\"$name\"'"
    wait_for 60 "control's word that it knows this host" sh -c "$known"
fi
say "ready"
