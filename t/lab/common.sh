# common.sh - what the scripts that start and stop a realm have in common. They read it with `.` and
# name themselves in $me before.
#
# What a caller may ask of any realm, by its environment:
#   KDC_PORT=N            the port of the KDC; a free one if not given
#   USERS=N               that many more users: u01, u02, ..
#   BACK_ENCTYPES=rc4     HTTP/exchange.test has an RC4 key only, as an account that was made on
#                         Windows 2000 or 2003 (which know no AES); otherwise it has AES keys
#   TICKET_LIFE=20s       how long a ticket lives whose owner does not ask for a time, such as a
#                         service's own, taken with its keytab; 8h if not given

REALM=INTRANET.TEST
PATH=/usr/sbin:/sbin:/usr/bin:/bin
export PATH
# SASL's and Kerberos' settings of whoever calls must not reach the servers
unset KRB5CCNAME KRB5_KTNAME KRB5_CLIENT_KTNAME KRB5_CONFIG KRB5_TRACE LDAPCONF LDAPRC \
    PYTHONPATH PYTHONHOME 2>/dev/null || :

say() { echo "$me: $*" >&2; }
die() { say "$*"; exit 1; }

# A process that has ended may stay in the list for long, until whoever inherited it looks.
runs() { # runs PID
    case $(cat "/proc/$1/stat" 2>/dev/null || :) in '' | *') Z '*) return 1 ;; esac
}

alive() { [ -s "$1" ] && runs "$(cat "$1")"; }

# Ends the daemon of that pid file, unless the file is stale and names someone else's process by now.
stop() { # stop PIDFILE COMMAND
    [ -s "$1" ] || return 0
    pid=$(cat "$1")
    case $(cat "/proc/$pid/comm" 2>/dev/null || :) in
    "$2"*)
        kill "$pid" 2>/dev/null || :
        kill -CONT "$pid" 2>/dev/null || :      # a test may have frozen it
        i=0
        while runs "$pid" && [ $i -lt 100 ]; do
            i=$((i + 1))
            sleep 0.05
        done
        ! runs "$pid" || kill -9 "$pid" 2>/dev/null || :
        ;;
    esac
    rm -f "$1"
}

# Leaves with 77 unless all these programs are installed.
want_programs() {
    for tool; do
        command -v "$tool" >/dev/null || { say "$tool is not installed"; exit 77; }
    done
}

# Sets D to the directory given and checks the options above.
enter() { # enter DIR
    mkdir -p "$1"
    D=$(cd "$1" && pwd)
    case $D in *[!A-Za-z0-9_./-]*) say "plain directory names only: $D"; exit 64 ;; esac
    case ${USERS:-0} in *[!0-9]*) say 'USERS is a number'; exit 64 ;; esac
    case ${BACK_ENCTYPES:-aes} in aes|rc4) ;; *) say 'BACK_ENCTYPES is aes or rc4'; exit 64 ;; esac
    case ${TICKET_LIFE:-8h} in *[!0-9a-z]*) say 'TICKET_LIFE is like 20s or 8h'; exit 64 ;; esac
}

free_port() {
    perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")
        or die; print $s->sockport'
}

more_users() {
    i=1
    while [ $i -le "${USERS:-0}" ]; do
        printf 'u%02d\n' $i
        i=$((i + 1))
    done
}

# The clients' configuration: asks the KDC on that port and nobody else, neither DNS nor /etc.
# Names of hosts stand in tickets as they stand in URLs.
write_krb5_conf() { # write_krb5_conf PORT
    cat >"$D/krb5.conf" <<E
[libdefaults]
    default_realm = $REALM
    dns_lookup_realm = false
    dns_lookup_kdc = false
    dns_canonicalize_hostname = false
    rdns = false
    qualify_shortname = ""
    forwardable = true
    ticket_lifetime = ${TICKET_LIFE:-8h}
    udp_preference_limit = 1
$([ "${BACK_ENCTYPES:-aes}" = aes ] || echo '    allow_rc4 = true')
[realms]
    $REALM = {
        kdc = 127.0.0.1:$1
    }
[domain_realm]
    .test = $REALM
    intranet.test = $REALM
    exchange.test = $REALM
    other.test = $REALM
E
}

# The keytabs must be there; httpd's own user reads them if there is one.
check_keytabs() { # check_keytabs LOG
    for k in front back other; do
        [ -s "$D/keytabs/$k.keytab" ] || die "no $k.keytab, see $1"
        chmod 600 "$D/keytabs/$k.keytab"
        if [ "$(id -u)" = 0 ] && getent group www-data >/dev/null; then
            chgrp www-data "$D/keytabs/$k.keytab"
            chmod 640 "$D/keytabs/$k.keytab"
        fi
    done
}

get_ticket() { # get_ticket USER
    echo "pw-$1" | KRB5_CONFIG=$D/krb5.conf kinit -l 8h -c "FILE:$D/cc/$1" "$1" >/dev/null 2>"$D/kinit.err"
}

# Starts the KDC until it answers. Another process may take the free port before the KDC does: then
# the KDC ends, and we try again. Only our own KDC knows alice's key, so a ticket proves that it is
# the one that answers. launch and configure PORT are the caller's.
start_kdc() { # start_kdc PIDFILE LOG
    tries=0
    while [ $tries -lt 5 ]; do
        tries=$((tries + 1))
        port=${KDC_PORT:-$(free_port)}
        configure "$port"
        launch || continue
        i=0
        while [ $i -lt 300 ]; do
            i=$((i + 1))
            if get_ticket alice; then
                alive "$1" || break
                get_ticket bob && get_ticket carol || die "$(cat "$D/kinit.err")"
                rm -f "$D/kinit.err"
                return 0
            fi
            [ $i -le 10 ] || alive "$1" || break
            sleep 0.1
        done
    done
    cat "$D/kinit.err" >&2 || :
    die "the KDC did not start, see $2"
}

# What a caller needs to know, into env.sh and on stdout.
publish() { # publish PIDFILE COMMAND
    cat >"$D/env.new" <<E
export LAB_DIR=$D
export LAB_REALM=$REALM
export LAB_KDC_PORT=$port
export LAB_KDC_PID_FILE=$1
export LAB_KDC_START='$2'
export KRB5_CONFIG=$D/krb5.conf
export LAB_FRONT_KEYTAB=$D/keytabs/front.keytab
export LAB_BACK_KEYTAB=$D/keytabs/back.keytab
export LAB_OTHER_KEYTAB=$D/keytabs/other.keytab
export LAB_CC_ALICE=FILE:$D/cc/alice
export LAB_CC_BOB=FILE:$D/cc/bob
export LAB_CC_CAROL=FILE:$D/cc/carol
E
    cat >>"$D/env.new"
    mv "$D/env.new" "$D/env.sh"     # there at once or not at all
    cat "$D/env.sh"
}
