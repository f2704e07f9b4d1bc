#!/bin/sh
# kdc-up.sh DIR - a throw-away Kerberos realm INTRANET.TEST in DIR, for tests.
#
# A MIT KDC on a free port of 127.0.0.1. Touches neither DNS nor /etc; needs no root. Running it
# twice is harmless: a realm that answers is kept, a dead one is rebuilt. DIR must be reachable for
# the user that httpd runs as, who also needs to read the keytabs.
#
#   alice, bob    users, password pw-NAME
#   carol         the same, but her ticket may not be forwarded ("sensitive")
#   HTTP/intranet.test   the front Apache, DIR/keytabs/front.keytab
#   HTTP/exchange.test   the calendar server, DIR/keytabs/back.keytab
#   HTTP/other.test      another server, DIR/keytabs/other.keytab
#
#   KDC_BACKEND=db2   (default) a file: knows no list of targets, so it refuses every S4U2Proxy
#   KDC_BACKEND=ldap  a directory, a private slapd on a unix socket: HTTP/intranet.test may act for
#                     any user but carol towards HTTP/exchange.test, and towards nobody else
#   USERS=N  BACK_ENCTYPES=rc4  TICKET_LIFE=20s  KDC_PORT=N   see common.sh
#
# Prints on stdout what to put into the environment, also kept as DIR/env.sh:
#   eval "$(kdc-up.sh /tmp/lab)"
# Everything else goes to stderr. Stop it with kdc-down.sh DIR. Exit status 77: server programs are
# not installed (Debian: krb5-kdc krb5-admin-server krb5-user; krb5-kdc-ldap slapd ldap-utils).
# kdc-up.sh -n only finds that out.
set -eu
umask 022
me=kdc-up
here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 1 ] || { echo "usage: $0 DIR | -n" >&2; exit 64; }
. "$here/common.sh"
BACKEND=${KDC_BACKEND:-db2}
case $BACKEND in db2|ldap) ;; *) say 'KDC_BACKEND is db2 or ldap'; exit 64 ;; esac

want_programs krb5kdc kdb5_util kadmin.local kinit
if [ "$BACKEND" = ldap ]; then
    want_programs slapd slapadd ldapmodify ldapwhoami kdb5_ldap_util
    schema=
    for f in /usr/share/doc/krb5-kdc-ldap/kerberos.schema \
        /usr/share/doc/krb5-kdc-ldap/kerberos.schema.gz; do
        [ ! -e $f ] || schema=$f
    done
    [ -n "$schema" ] || { say 'the LDAP schema of krb5-kdc-ldap is not installed'; exit 77; }
fi
[ "$1" != -n ] || exit 0

enter "$1"
if alive "$D/krb5kdc.pid" && [ -s "$D/env.sh" ]; then
    cat "$D/env.sh"
    exit 0
fi
"$here/kdc-down.sh" "$D"
rm -rf "$D/kdb" "$D/ldap" "$D/keytabs" "$D/cc"
mkdir -p "$D/keytabs" "$D/cc"
mkdir -m 700 "$D/kdb"
log=$D/kdc.log
trap '[ $? = 0 ] || "$here/kdc-down.sh" "$D"' EXIT
trap 'exit 130' HUP INT TERM

export KRB5_CONFIG="$D/krb5.conf" KRB5_KDC_PROFILE="$D/kdc.conf"
ldap_admin=cn=admin,dc=lab
ldap_password=lab-of-$REALM
ldap_url=ldapi://$(echo "$D/ldap/socket" | sed 's:/:%2F:g')

configure() { # configure PORT
    write_krb5_conf "$1"
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
    kdc = FILE:$log
    admin_server = FILE:$log
    default = FILE:$log
[dbmodules]
    lab = {
E
    if [ "$BACKEND" = db2 ]; then
        cat <<E
        db_library = db2
        database_name = $D/kdb/principal
    }
E
    else
        cat <<E
        db_library = kldap
        ldap_kerberos_container_dn = cn=krb,dc=lab
        ldap_kdc_dn = $ldap_admin
        ldap_kadmind_dn = $ldap_admin
        ldap_service_password_file = $D/kdb/ldap.stash
        ldap_servers = $ldap_url
        ldap_conns_per_server = 2
    }
E
    fi >>"$D/kdc.conf"
}

start_directory() {
    mkdir -m 700 "$D/ldap" "$D/ldap/db"
    zcat -f "$schema" >"$D/ldap/kerberos.schema"
    cat >"$D/ldap/slapd.conf" <<E
include     /etc/ldap/schema/core.schema
include     $D/ldap/kerberos.schema
modulepath  /usr/lib/ldap
moduleload  back_mdb
pidfile     $D/slapd.pid
database    mdb
suffix      "dc=lab"
rootdn      "$ldap_admin"
rootpw      $ldap_password
directory   $D/ldap/db
maxsize     67108864
dbnosync
index       objectClass,krbPrincipalName eq
E
    slapadd -q -f "$D/ldap/slapd.conf" <<E
dn: dc=lab
objectClass: organization
objectClass: dcObject
o: lab
dc: lab

dn: cn=krb,dc=lab
objectClass: krbContainer
cn: krb
E
    slapd -f "$D/ldap/slapd.conf" -h "$ldap_url"
    i=0
    until ldapwhoami -x -H "$ldap_url" -D $ldap_admin -w "$ldap_password" >/dev/null 2>&1; do
        i=$((i + 1))
        [ $i -lt 100 ] || die "slapd did not start, see $log"
        sleep 0.1
    done
}

create_database() {
    if [ "$BACKEND" = db2 ]; then
        kdb5_util create -r $REALM -s -P "master-of-$REALM"
        return
    fi
    start_directory
    printf '%s\n%s\n' "$ldap_password" "$ldap_password" |
        kdb5_ldap_util -D $ldap_admin -w "$ldap_password" stashsrvpw -f "$D/kdb/ldap.stash" $ldap_admin
    kdb5_ldap_util -D $ldap_admin -w "$ldap_password" -H "$ldap_url" create -r $REALM \
        -subtrees dc=lab -s -P "master-of-$REALM"
}

create_principals() {
    types=
    [ "${BACK_ENCTYPES:-aes}" = aes ] || types='-e arcfour-hmac:normal'
    {
        for u in alice bob carol $(more_users); do
            echo "addprinc -pw pw-$u $u"
        done
        cat <<E
modprinc -allow_forwardable carol
addprinc -randkey HTTP/intranet.test
addprinc -randkey $types HTTP/exchange.test
addprinc -randkey HTTP/other.test
modprinc +ok_as_delegate +ok_to_auth_as_delegate HTTP/intranet.test
modprinc +ok_as_delegate HTTP/exchange.test
ktadd -k $D/keytabs/front.keytab HTTP/intranet.test
ktadd -k $D/keytabs/back.keytab $types HTTP/exchange.test
ktadd -k $D/keytabs/other.keytab HTTP/other.test
E
    } | kadmin.local -r $REALM
    [ "$BACKEND" = ldap ] || return 0
    # only the directory has a place for the targets of S4U2Proxy
    ldapmodify -x -H "$ldap_url" -D $ldap_admin -w "$ldap_password" <<E
dn: krbPrincipalName=HTTP/intranet.test@$REALM,cn=$REALM,cn=krb,dc=lab
changetype: modify
add: krbAllowedToDelegateTo
krbAllowedToDelegateTo: HTTP/exchange.test@$REALM
E
}

configure 1
create_database >>"$log" 2>&1 || die "the database cannot be made, see $log"
create_principals >>"$log" 2>&1 || die "the principals cannot be made, see $log"
check_keytabs "$log"

command="krb5kdc -P $D/krb5kdc.pid"
launch() { $command >>"$log" 2>&1; }
start_kdc "$D/krb5kdc.pid" "$log"

publish "$D/krb5kdc.pid" "$command" <<E
export LAB_KIND=$([ "$BACKEND" = db2 ] && echo mit || echo ldap)
export LAB_S4U2PROXY=$([ "$BACKEND" = db2 ] && echo no || echo yes)
export KRB5_KDC_PROFILE=$D/kdc.conf
E
