#!/bin/sh
# ad-down.sh DIR - stops what ad-up.sh DIR started, by its pid file only. The files stay, for their
# logs; remove DIR yourself.
set -eu
me=ad-down
[ $# -eq 1 ] || { echo "usage: $0 DIR" >&2; exit 64; }
[ -d "$1" ] || exit 0
. "$(dirname "$0")/common.sh"
stop "$1/samba/run/samba.pid" samba
rm -f "$1/env.sh"
