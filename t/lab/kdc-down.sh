#!/bin/sh
# kdc-down.sh DIR - stops what kdc-up.sh DIR started, by its pid files only. The files stay, for
# their logs; remove DIR yourself.
set -eu
[ $# -eq 1 ] || { echo "usage: $0 DIR" >&2; exit 64; }
[ -d "$1" ] || exit 0

stop() { # stop PIDFILE NAME
    [ -s "$1" ] || return 0
    pid=$(cat "$1")
    # a stale file may name someone else's process by now
    if [ "$(cat "/proc/$pid/comm" 2>/dev/null || :)" = "$2" ]; then
        kill "$pid" 2>/dev/null || :
        kill -CONT "$pid" 2>/dev/null || :      # a test may have frozen it
        i=0
        while kill -0 "$pid" 2>/dev/null && [ $i -lt 50 ]; do
            i=$((i + 1))
            sleep 0.1
        done
        ! kill -0 "$pid" 2>/dev/null || kill -9 "$pid" 2>/dev/null || :
    fi
    rm -f "$1"
}
stop "$1/krb5kdc.pid" krb5kdc
stop "$1/slapd.pid" slapd
rm -f "$1/env.sh"
