#!/bin/sh
# kdc-down.sh DIR - stops the KDC that kdc-up.sh DIR started, by its pid file only. The files stay,
# for their logs; remove DIR yourself.
set -eu
[ $# -eq 1 ] || { echo "usage: $0 DIR" >&2; exit 64; }
[ -d "$1" ] || exit 0
file=$1/krb5kdc.pid
if [ -s "$file" ]; then
    pid=$(cat "$file")
    # a stale file may name someone else's process by now
    if [ "$(cat "/proc/$pid/comm" 2>/dev/null || :)" = krb5kdc ]; then
        kill "$pid" 2>/dev/null || :
        i=0
        while kill -0 "$pid" 2>/dev/null && [ $i -lt 50 ]; do
            i=$((i + 1))
            sleep 0.1
        done
        ! kill -0 "$pid" 2>/dev/null || kill -9 "$pid" 2>/dev/null || :
    fi
fi
rm -f "$file" "$1/env.sh"
