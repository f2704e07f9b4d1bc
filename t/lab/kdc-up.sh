#!/bin/sh
# kdc-up.sh DIR - a throw-away Kerberos realm INTRANET.TEST in DIR, for tests.
#
# A MIT KDC on a free port of 127.0.0.1 (KDC_PORT chooses one). Touches neither DNS nor /etc; needs
# no root. Running it twice is harmless: a realm that answers is kept, a dead one is rebuilt.
# DIR must be reachable for the user that httpd runs as, who also needs to read the keytabs.
#
#   alice, bob    users, password pw-NAME
#   carol         the same, but her ticket may not be forwarded ("sensitive")
#   HTTP/intranet.test   the front Apache, DIR/keytabs/front.keytab
#   HTTP/exchange.test   the calendar server, DIR/keytabs/back.keytab
#
# Prints on stdout what to put into the environment, also kept as DIR/env.sh:
#   eval "$(kdc-up.sh /tmp/lab)"
# Everything else goes to stderr. Stop it with kdc-down.sh DIR. Exit status 77: Kerberos server
# programs are not installed (Debian: krb5-kdc krb5-admin-server krb5-user).
#
# This database cannot do S4U2Proxy: it has no place for a list of allowed targets.
set -eu
umask 022

[ $# -eq 1 ] || { echo "usage: $0 DIR" >&2; exit 64; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
D=$(cd "$1" && pwd)
case $D in *[!A-Za-z0-9_./-]*) echo "kdc-up: plain directory names only: $D" >&2; exit 64 ;; esac
REALM=INTRANET.TEST
PATH=/usr/sbin:/sbin:/usr/bin:/bin
export PATH
unset KRB5CCNAME KRB5_KTNAME KRB5_CLIENT_KTNAME KRB5_TRACE || :

say() { echo "kdc-up: $*" >&2; }
alive() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }

for tool in krb5kdc kdb5_util kadmin.local kinit; do
    command -v $tool >/dev/null || { say "$tool is not installed"; exit 77; }
done

if alive "$D/krb5kdc.pid" && [ -s "$D/env.sh" ]; then
    cat "$D/env.sh"
    exit 0
fi
"$here/kdc-down.sh" "$D"
rm -rf "$D/kdb" "$D/keytabs" "$D/cc"
mkdir -p "$D/keytabs" "$D/cc"
mkdir -m 700 "$D/kdb"

export KRB5_CONFIG="$D/krb5.conf" KRB5_KDC_PROFILE="$D/kdc.conf"

configure() { # configure PORT
    cat >"$D/krb5.conf" <<E
[libdefaults]
    default_realm = $REALM
    dns_lookup_realm = false
    dns_lookup_kdc = false
    dns_canonicalize_hostname = false
    rdns = false
    qualify_shortname = ""
    forwardable = true
    ticket_lifetime = 8h
    udp_preference_limit = 1
[realms]
    $REALM = {
        kdc = 127.0.0.1:$1
    }
[domain_realm]
    .test = $REALM
    intranet.test = $REALM
    exchange.test = $REALM
E
    cat >"$D/kdc.conf" <<E
[kdcdefaults]
    kdc_listen = 127.0.0.1:$1
    kdc_tcp_listen = 127.0.0.1:$1
[realms]
    $REALM = {
        database_module = lab
        key_stash_file = $D/kdb/stash
        acl_file = $D/kdb/kadm5.acl
        master_key_type = aes256-cts
        supported_enctypes = aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal
        max_life = 1d
        max_renewable_life = 7d
        default_principal_flags = +preauth
    }
[logging]
    kdc = FILE:$D/kdc.log
    admin_server = FILE:$D/kdc.log
    default = FILE:$D/kdc.log
[dbmodules]
    lab = {
        db_library = db2
        database_name = $D/kdb/principal
    }
E
}

free_port() {
    perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")
        or die; print $s->sockport'
}

configure 1
kdb5_util create -r $REALM -s -P "master-of-$REALM" >>"$D/kdc.log" 2>&1
kadmin.local -r $REALM >>"$D/kdc.log" 2>&1 <<E
addprinc -pw pw-alice alice
addprinc -pw pw-bob bob
addprinc -pw pw-carol carol
modprinc -allow_forwardable carol
addprinc -randkey HTTP/intranet.test
addprinc -randkey HTTP/exchange.test
modprinc +ok_as_delegate +ok_to_auth_as_delegate HTTP/intranet.test
modprinc +ok_as_delegate HTTP/exchange.test
ktadd -k $D/keytabs/front.keytab HTTP/intranet.test
ktadd -k $D/keytabs/back.keytab HTTP/exchange.test
E
for k in front back; do
    [ -s "$D/keytabs/$k.keytab" ] || { say "no $k.keytab, see $D/kdc.log"; exit 1; }
    if [ "$(id -u)" = 0 ] && getent group www-data >/dev/null; then
        chgrp www-data "$D/keytabs/$k.keytab"
        chmod 640 "$D/keytabs/$k.keytab"
    fi
done

# Another process may take the free port before the KDC does: then the KDC ends, and we try again.
# Only our own KDC knows alice's key, so a ticket proves that it is the one that answers.
up=
tries=0
while [ -z "$up" ] && [ $tries -lt 5 ]; do
    tries=$((tries + 1))
    port=${KDC_PORT:-$(free_port)}
    configure "$port"
    krb5kdc -P "$D/krb5kdc.pid" >>"$D/kdc.log" 2>&1 || continue
    i=0
    while [ $i -lt 50 ] && [ -z "$up" ]; do
        i=$((i + 1))
        if echo pw-alice | kinit -c "FILE:$D/cc/alice" alice >/dev/null 2>"$D/kinit.err"; then
            up=1
        elif [ $i -gt 3 ] && ! alive "$D/krb5kdc.pid"; then
            break
        else
            sleep 0.1
        fi
    done
done
if [ -z "$up" ] || ! alive "$D/krb5kdc.pid"; then
    cat "$D/kinit.err" >&2 || :
    say "the KDC did not start, see $D/kdc.log"
    "$here/kdc-down.sh" "$D"
    exit 1
fi
for u in bob carol; do
    echo "pw-$u" | kinit -c "FILE:$D/cc/$u" $u >/dev/null
done
rm -f "$D/kinit.err"

cat >"$D/env.sh" <<E
export LAB_DIR=$D
export LAB_REALM=$REALM
export LAB_KDC_PORT=$port
export KRB5_CONFIG=$D/krb5.conf
export KRB5_KDC_PROFILE=$D/kdc.conf
export LAB_FRONT_KEYTAB=$D/keytabs/front.keytab
export LAB_BACK_KEYTAB=$D/keytabs/back.keytab
export LAB_CC_ALICE=FILE:$D/cc/alice
export LAB_CC_BOB=FILE:$D/cc/bob
export LAB_CC_CAROL=FILE:$D/cc/carol
E
cat "$D/env.sh"
