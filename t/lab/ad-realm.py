#!/usr/bin/python3
"""The directory of the domain controller that ad-up.sh starts.

ad-realm.py provision SMB_CONF REALM DOMAIN
    makes a new domain where SMB_CONF says
ad-realm.py populate SMB_CONF REALM KEYTAB_DIR aes|rc4 [USER]..
    adds the accounts of the lab and those users, and writes the services' keytabs

Debian's own /usr/bin/python3 has the samba module; another one that comes first in PATH has not.
"""
import logging
import secrets
import sys

import ldb
from samba import dckeytab  # noqa: F401, gives Net its export_keytab
from samba.auth import system_session
from samba.credentials import Credentials
from samba.dsdb import DS_DOMAIN_FUNCTION_2008_R2
from samba.net import Net
from samba.param import LoadParm
from samba.provision import provision
from samba.samdb import SamDB

# userAccountControl
NORMAL, NO_EXPIRY, NOT_DELEGATED, TO_AUTH_FOR_DELEGATION = 0x200, 0x10000, 0x100000, 0x1000000
# msDS-SupportedEncryptionTypes
RC4, AES = "4", "24"


def load(conf):
    lp = LoadParm()
    lp.load(conf)
    return lp


def make_domain(conf, realm, domain):
    # No DNS, and no access rights on sysvol, which nobody serves: those would need more packages.
    provision(logging.getLogger("provision"), system_session(), smbconf=conf, lp=load(conf),
              realm=realm, domain=domain, hostname="dc1", hostip="127.0.0.1",
              serverrole="active directory domain controller", dns_backend="NONE",
              dom_for_fun_level=DS_DOMAIN_FUNCTION_2008_R2,
              adminpass=secrets.token_urlsafe(24) + "aA1.")


class Directory:
    def __init__(self, conf, realm):
        self.lp = load(conf)
        self.realm = realm
        self.db = SamDB(url=self.lp.private_path("sam.ldb"), session_info=system_session(), lp=self.lp)

    def change(self, dn, **values):
        m = ldb.Message(ldb.Dn(self.db, dn))
        for name, value in values.items():
            name = name.replace("_", "-")
            m[name] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, name)
        self.db.modify(m)

    def relax_passwords(self):
        """pw-NAME has neither the length nor the kinds of characters that a domain asks for."""
        self.change(str(self.db.domain_dn()), pwdProperties="0", minPwdLength="0",
                    pwdHistoryLength="0", minPwdAge="0", maxPwdAge="0", lockoutThreshold="0")

    def account(self, name, password, flags=0, **values):
        self.db.newuser(name, password)
        self.change("CN=%s,CN=Users,%s" % (name, self.db.domain_dn()),
                    userAccountControl=str(NORMAL | NO_EXPIRY | flags), **values)

    def user(self, name, flags=0):
        self.account(name, "pw-" + name, flags, mail=name + "@intranet.test")

    def service(self, name, spn, enctypes=AES, flags=0, **values):
        # Set before the keytab is written: it holds the keys of these types only.
        self.account(name, secrets.token_urlsafe(24), flags, servicePrincipalName=spn,
                     msDS_SupportedEncryptionTypes=enctypes, **values)

    def keytab(self, path, spn):
        Net(Credentials(), self.lp).export_keytab(keytab=path, principal=spn)


def add_accounts(conf, realm, keytabs, enctypes, users):
    d = Directory(conf, realm)
    d.relax_passwords()
    d.db.transaction_start()
    for name in ["alice", "bob"] + users:
        d.user(name)
    d.user("carol", NOT_DELEGATED)
    # Without a userPrincipalName of that form (`ktpass -mapuser` sets it) an AD refuses to give the
    # service a ticket for its mere servicePrincipalName, and everything S4U starts with one.
    d.service("svc-front", "HTTP/intranet.test", flags=TO_AUTH_FOR_DELEGATION,
              userPrincipalName="HTTP/intranet.test@" + realm,
              msDS_AllowedToDelegateTo="HTTP/exchange.test")
    d.service("svc-exchange", "HTTP/exchange.test", RC4 if enctypes == "rc4" else AES)
    d.service("svc-other", "HTTP/other.test")
    d.db.transaction_commit()
    for name, spn in (("front", "HTTP/intranet.test"), ("back", "HTTP/exchange.test"),
                      ("other", "HTTP/other.test")):
        d.keytab("%s/%s.keytab" % (keytabs, name), spn)


if len(sys.argv) == 5 and sys.argv[1] == "provision":
    make_domain(*sys.argv[2:])
elif len(sys.argv) >= 6 and sys.argv[1] == "populate":
    add_accounts(*sys.argv[2:6], sys.argv[6:])
else:
    sys.exit(__doc__)
