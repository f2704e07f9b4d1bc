#!/bin/sh
# kdc-down.sh DIR - stops what kdc-up.sh DIR started, by its pid files only. The files stay, for
# their logs; remove DIR yourself.
set -eu
me=kdc-down
[ $# -eq 1 ] || { echo "usage: $0 DIR" >&2; exit 64; }
[ -d "$1" ] || exit 0
. "$(dirname "$0")/common.sh"
stop "$1/krb5kdc.pid" krb5kdc
stop "$1/slapd.pid" slapd
rm -f "$1/env.sh"
