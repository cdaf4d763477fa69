#!/bin/sh
# Puts Salt where it is not: its own Python environment, commands, services. Usage: install-salt.sh [WHEELS]
#
# With WHEELS, a directory of wheels, nothing is fetched; without it pip asks its usual index. A machine that
# has Salt already, from whatever package, is left alone.
set -eu
wheels=${1:-}
home=/opt/saltstack/salt

if command -v salt-call >/dev/null; then
    exit 0
fi

python=$(command -v python3.12 || command -v python3.11 || command -v python3 || true)
if [ -z "$python" ] || ! "$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    if command -v apt-get >/dev/null; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3 python3-venv
        python=python3
    else
        dnf install -y -q python3.11
        python=python3.11
    fi
fi

"$python" -m venv "$home"
if [ -n "$wheels" ]; then
    "$home/bin/pip" install -q --no-index --find-links="$wheels" 'salt>=3008,<3009'
else
    "$home/bin/pip" install -q 'salt>=3008,<3009'
fi

for command in salt salt-call salt-cp salt-key salt-master salt-minion salt-run; do
    ln -sf "$home/bin/$command" "/usr/local/bin/$command"
done

mkdir -p /etc/salt/master.d /etc/salt/minion.d
for daemon in master minion; do
    cat >"/etc/systemd/system/salt-$daemon.service" <<UNIT
[Unit]
Description=Salt $daemon
After=network.target

[Service]
Type=notify
NotifyAccess=all
ExecStart=$home/bin/salt-$daemon

[Install]
WantedBy=multi-user.target
UNIT
done
systemctl daemon-reload
