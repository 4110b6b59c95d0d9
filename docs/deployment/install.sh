#!/bin/sh
# Installs sonoderm and its services on a Jetson or any Debian-like system. As root; safe to run again.
#
#   sh install.sh [--jetson] [--read-only-root] [--no-gadget] [--package WHAT] [--python PYTHON]
#   sh install.sh --root DIR …      only puts the files under DIR: for an image, or to look at them first
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=
jetson=no
read_only=no
gadget=yes
package='sonoderm[bridge]'
python=python3
while [ $# -gt 0 ]; do
    case $1 in
    --root) root=$2; shift ;;
    --jetson) jetson=yes ;;
    --read-only-root) read_only=yes ;;
    --no-gadget) gadget=no ;;
    --package) package=$2; shift ;;
    --python) python=$2; shift ;;
    *) echo "install.sh: unknown option $1" >&2; exit 2 ;;
    esac
    shift
done

put() { # MODE FROM TO
    mkdir -p "$root$(dirname "$3")"
    install -m "$1" "$here/$2" "$root$3"
}

if [ -z "$root" ]; then
    [ "$(id -u)" = 0 ] || { echo "install.sh: run it as root, or give --root DIR" >&2; exit 6; }
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo "install.sh: $python is older than 3.11 (JetPack 6 ships 3.10: use JetPack 7.2); name another with --python" >&2
        exit 6
    }
    getent passwd sonoderm >/dev/null || useradd --system --user-group --home-dir /var/lib/sonoderm --shell /usr/sbin/nologin sonoderm
    "$python" -m venv $([ $jetson = yes ] && echo --system-site-packages) /opt/sonoderm
    /opt/sonoderm/bin/pip install --upgrade "$package"
fi

put 0644 sonoderm-run.service /etc/systemd/system/sonoderm-run.service
put 0644 sonoderm-serve.service /etc/systemd/system/sonoderm-serve.service
put 0644 60-sonoderm.rules /etc/udev/rules.d/60-sonoderm.rules
put 0644 README.md /usr/share/doc/sonoderm/deployment/README.md
[ -e "$root/etc/sonoderm/device.env" ] || put 0644 device.env /etc/sonoderm/device.env # it is this device's own: never overwritten
units="sonoderm-run.service sonoderm-serve.service"
if [ $gadget = yes ]; then
    put 0755 usb-gadget /usr/local/lib/sonoderm/usb-gadget
    put 0644 sonoderm-gadget.service /etc/systemd/system/sonoderm-gadget.service
    units="sonoderm-gadget.service $units"
fi
[ $jetson = no ] || put 0644 jetson.conf /etc/systemd/system/sonoderm-run.service.d/jetson.conf
if [ $read_only = yes ]; then
    put 0644 var-lib-sonoderm.mount /etc/systemd/system/var-lib-sonoderm.mount
    put 0644 journald.conf /etc/systemd/journald.conf.d/sonoderm.conf
    units="var-lib-sonoderm.mount $units"
fi

if [ -z "$root" ]; then
    udevadm control --reload
    systemctl daemon-reload
    # shellcheck disable=SC2086 -- a list of units
    systemctl enable $units
    echo "Edit /etc/sonoderm/device.env, then make the slots and start:"
    echo "  sudo -u sonoderm SONODERM_TRUST=/var/lib/sonoderm/trust /opt/sonoderm/bin/sonoderm device init --slots /var/lib/sonoderm/slots --model NAME"
    echo "  systemctl start $units"
fi
