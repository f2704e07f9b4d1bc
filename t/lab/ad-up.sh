#!/bin/sh
# ad-up.sh DIR - a throw-away Active Directory realm INTRANET.TEST in DIR, for tests.
#
# Samba's own domain controller, of which the KDC only runs, on a free port of 127.0.0.1: the ports
# of LDAP, RPC and SMB cannot be moved. It answers as a Windows domain does: PACs, sensitive users,
# S4U2Self and S4U2Proxy by msDS-AllowedToDelegateTo; and it has accounts for NTLM, see ntlm-front.py.
# Principals, passwords and options are those of kdc-up.sh; HTTP/intranet.test may act for any user
# but carol towards HTTP/exchange.test, whatever the user logged in with. The domain is INTRANET.
# Touches neither DNS nor /etc; needs root. Running it twice is harmless, as with kdc-up.sh.
#
#   USERS=N  BACK_ENCTYPES=rc4  TICKET_LIFE=20s  KDC_PORT=N   see common.sh
#   LAB_CACHE=DIR   where a new domain without accounts is kept, because making one takes 7 seconds;
#                   .build/lab of the checkout if not given
#
# Prints on stdout what to put into the environment, also kept as DIR/env.sh:
#   eval "$(ad-up.sh /tmp/lab)"
# Everything else goes to stderr. Stop it with ad-down.sh DIR. Exit status 77: not root, or programs
# are not installed (Debian: samba samba-ad-provision samba-dsdb-modules python3-samba krb5-user).
# ad-up.sh -n only finds that out.
set -eu
umask 022
me=ad-up
here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 1 ] || { echo "usage: $0 DIR | -n" >&2; exit 64; }
. "$here/common.sh"
DOMAIN=INTRANET
python=/usr/bin/python3

[ "$(id -u)" = 0 ] || { say 'a domain controller needs root'; exit 77; }
want_programs samba $python kinit flock
[ -d /usr/share/samba/setup ] && [ -n "$(ls /usr/lib/*/samba/ldb/samldb.so 2>/dev/null)" ] ||
    { say 'samba-ad-provision and samba-dsdb-modules are not installed'; exit 77; }
[ -d /usr/lib/python3/dist-packages/samba ] || { say 'python3-samba is not installed'; exit 77; }
[ "$1" != -n ] || exit 0

enter "$1"
pidfile=$D/samba/run/samba.pid
if alive "$pidfile" && [ -s "$D/env.sh" ]; then
    cat "$D/env.sh"
    exit 0
fi
"$here/ad-down.sh" "$D"
rm -rf "$D/samba" "$D/keytabs" "$D/cc"
mkdir -p "$D/keytabs" "$D/cc"
log=$D/kdc.log
trap '[ $? = 0 ] || "$here/ad-down.sh" "$D"' EXIT
trap 'exit 130' HUP INT TERM
export KRB5_CONFIG="$D/krb5.conf"

write_smb_conf() { # write_smb_conf FOLDER KDC_PORT
    cat >"$1/smb.conf" <<E
[global]
    server role = active directory domain controller
    realm = $REALM
    workgroup = $DOMAIN
    netbios name = DC1
    interfaces = 127.0.0.1/8
    bind interfaces only = yes
    krb5 port = $2
    kpasswd port = 0
    server services = kdc
    ntlm auth = yes
    private dir = $1/private
    state directory = $1/state
    cache directory = $1/cache
    lock directory = $1/lock
    pid directory = $1/run
    ncalrpc dir = $1/ncalrpc
    binddns dir = $1/bind-dns
    winbindd socket directory = $1/winbindd
    log file = $1/samba.log
    max log size = 10000
    ldb:nosync = yes
    load printers = no
    disable spoolss = yes
[sysvol]
    path = $1/state/sysvol
    read only = no
[netlogon]
    path = $1/state/sysvol/intranet.test/scripts
    read only = no
E
}

new_domain() { # new_domain FOLDER
    mkdir -p "$1"
    (cd "$1" && mkdir private state cache lock run ncalrpc bind-dns winbindd)
    chmod 700 "$1/private"
    write_smb_conf "$1" 1
    $python "$here/ad-realm.py" provision "$1/smb.conf" $REALM $DOMAIN
}

# A domain without accounts, kept for the next time: it depends on Samba and on our scripts only.
# Nothing in it names its folder but smb.conf.
find_cache() {
    cache=${LAB_CACHE:-$here/../../.build/lab}
    { mkdir -p "$cache" && [ -w "$cache" ]; } 2>/dev/null || return 1
    cache=$(cd "$cache" && pwd)
    case $cache in *[!A-Za-z0-9_./-]*) return 1 ;; esac
}

kept_domain() {
    key=$({ samba -V && cat "$here/ad-realm.py" "$0"; } | sha256sum | cut -c 1-16)
    (
        flock 9
        [ ! -d "$cache/ad-$key" ] || exit 0
        rm -rf "$cache"/ad-*
        new_domain "$cache/ad-new" && mv "$cache/ad-new" "$cache/ad-$key"
    ) 9>"$cache/lock" && cp -a "$cache/ad-$key" "$D/samba"
}

domain() {
    if find_cache; then
        kept_domain
    else
        new_domain "$D/samba"
    fi
}

configure() { # configure PORT
    write_krb5_conf "$1"
    write_smb_conf "$D/samba" "$1"
}

write_krb5_conf 1
(domain) >>"$log" 2>&1 || die "the domain cannot be made, see $log"
configure 1
$python "$here/ad-realm.py" populate "$D/samba/smb.conf" $REALM "$D/keytabs" \
    "${BACK_ENCTYPES:-aes}" $(more_users) >>"$log" 2>&1 || die "the accounts cannot be made, see $log"
check_keytabs "$log"

# one process, which a test can freeze
command="samba -D -M single -s $D/samba/smb.conf"
launch() { $command >>"$log" 2>&1; }
start_kdc "$pidfile" "$D/samba/samba.log"

publish "$pidfile" "$command" <<E
export LAB_KIND=ad
export LAB_S4U2PROXY=yes
export LAB_DOMAIN=$DOMAIN
export LAB_SMB_CONF=$D/samba/smb.conf
E
