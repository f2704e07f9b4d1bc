#!/usr/bin/python3
"""ntlm-front.py SMB_CONF SIMULATOR_PORT [SCHEME].. - an HTTP/1.1 server that verifies NTLM as IIS does in front
of Exchange, and passes the requests of a verified connection on to the simulator as that user.

The accounts are those of the domain that ad-up.sh made; they are checked in this process against its
directory, for real. SCHEME: Negotiate, which carries NTLM here (no Kerberos), and NTLM; both if none is
given. Authentication belongs to the CONNECTION: after the third message every later request on it is that user's, whatever header it
bears, and a new first message ends that. Each connection has one of its own to the simulator, which
ends with it, so that what the simulator's witness says of connections is true of the client's.

Environment: FRONT_SECRET is the simulator's trusted-secret (see t/sim/README). Prints its port when
it listens, and ends when its standard input does. Each step is logged on stderr, without passwords.
"""
import base64
import os
import socket
import sys
import threading
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from samba import gensec
from samba.auth import AuthContext, system_session
from samba.param import LoadParm
from samba.samdb import SamDB

if len(sys.argv) < 3 or not os.environ.get("FRONT_SECRET"):
    sys.exit(__doc__)
conf, sim_port = sys.argv[1], int(sys.argv[2])
secret = os.environ["FRONT_SECRET"]
lp = LoadParm()
lp.load(conf)

SCHEMES = sys.argv[3:] or ["Negotiate", "NTLM"]
BODY_MAX = 32 << 20
TOKEN_MAX = 64 << 10
# headers of one connection, which say nothing about the next one
HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
       "content-length"}

# Opening the directory takes half a second. Samba's libraries are not made for threads: one at a time.
samba = threading.Lock()
directory = SamDB(url=lp.private_path("sam.ldb"), lp=lp, session_info=system_session())
accounts = AuthContext(lp_ctx=lp, ldb=directory, methods=["sam"])


class Bad(Exception):
    """The request cannot be read: answered with 400, and the connection ends."""


class Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1               # one write for status line, headers and body

    def setup(self):
        super().setup()
        self.user, self.handshake, self.upstream = None, None, None

    def finish(self):
        if self.upstream:
            self.upstream.close()
        with samba:
            self.handshake = None
        super().finish()

    def log_message(self, form, *args):
        sys.stderr.write("%d %s %s\n" % (self.client_address[1], self.user or "-", form % args))

    # ---- reading and answering ----

    def read_exactly(self, n):
        if n > BODY_MAX:
            raise Bad("body too long")
        data = self.rfile.read(n)
        if len(data) != n:
            raise Bad("body cut short")
        return data

    def read_chunked(self):
        body = b""
        while True:
            size = int(self.rfile.readline(100).split(b";")[0], 16)
            if size < 0 or size + len(body) > BODY_MAX:
                raise Bad("chunk size")
            if size == 0:
                while self.rfile.readline(8192).strip():
                    pass
                return body
            body += self.read_exactly(size)
            if self.rfile.readline(3) != b"\r\n":
                raise Bad("chunk end")

    def read_body(self):
        lengths = self.headers.get_all("Content-Length", [])
        coding = self.headers.get("Transfer-Encoding")
        if coding is not None:
            if lengths or coding.strip().lower() != "chunked":
                raise Bad("framing")
            return self.read_chunked()
        if len(set(lengths)) > 1 or lengths and not lengths[0].isdigit():
            raise Bad("Content-Length")
        return self.read_exactly(int(lengths[0])) if lengths else b""

    def answer(self, status, reason, headers, body=b""):
        self.send_response_only(status, reason)
        for name, value in headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        if self.command == "HEAD" or status in (204, 304):
            body = b""
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def challenge(self, values):
        self.answer(401, "Unauthorized", [("WWW-Authenticate", v) for v in values], b"access is denied\n")

    # ---- NTLM ----

    def start_handshake(self, raw):
        self.handshake = gensec.Security.start_server(
            {"lp_ctx": lp, "target_hostname": "exchange.test"}, accounts)
        self.handshake.start_mech_by_name("ntlmssp" if raw else "spnego")

    def step(self, token):
        """One message: what to send back, or None when the user is verified."""
        raw = token.startswith(b"NTLMSSP\0")
        with samba:
            if self.handshake is None or token.startswith(b"NTLMSSP\0\1\0\0\0"):
                self.start_handshake(raw)
            done, out = self.handshake.update(token)
            if not done:
                return out
            info = self.handshake.session_info().info
            self.handshake = None
        self.user = str(info.account_name).lower()
        self.log_message("is %s\\%s", info.domain_name, info.account_name)
        return None

    def authenticate(self):
        """True when the request may go on, as self.user; otherwise it has been answered."""
        scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
        if scheme not in SCHEMES:
            if not self.user:
                self.challenge(SCHEMES)
            return bool(self.user)
        del self.headers["Authorization"]
        if self.user:           # a new handshake ends the old identity
            self.log_message("begins again")
            self.user = None
        try:
            if len(token) > TOKEN_MAX:
                raise ValueError("token too long")
            out = self.step(base64.b64decode(token.strip(), validate=True))
        except Exception as e:  # Samba raises its own kinds for every wrong password
            self.handshake = None
            self.log_message("refused: %s", e)
            self.challenge(SCHEMES)
            return False
        if out is None:
            return True
        self.challenge([scheme + " " + base64.b64encode(out).decode()])
        return False

    # ---- the simulator ----

    def pass_on(self, body):
        if self.upstream is None:
            self.upstream = HTTPConnection("127.0.0.1", sim_port, timeout=120)
            self.upstream.connect()
            self.upstream.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.upstream.auto_open = 0     # one for each of ours: it is not opened a second time
        up = self.upstream
        up.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in HOP and not name.lower().startswith("x-sim-"):
                up.putheader(name, value)
        up.putheader("X-Sim-User", self.user)
        up.putheader("X-Sim-Secret", secret)
        if body or self.command not in ("GET", "HEAD"):
            up.putheader("Content-Length", str(len(body)))
        up.endheaders(body)
        reply = up.getresponse()
        content = reply.read()
        if reply.will_close:
            self.close_connection = True
        headers = [(n, v) for n, v in reply.getheaders() if n.lower() not in HOP]
        if reply.status == 401:     # the simulator wants a new login
            self.user = None
            headers += [("WWW-Authenticate", s) for s in SCHEMES]
        self.answer(reply.status, reply.reason, headers, content)

    def handle_request(self):
        try:
            body = self.read_body()
        except (Bad, ValueError) as e:
            self.close_connection = True
            return self.answer(400, "Bad Request", [], ("%s\n" % e).encode())
        if self.path.startswith("/_sim/"):
            return self.answer(404, "Not Found", [])
        if not self.authenticate():
            return None
        try:
            self.pass_on(body)
        except (OSError, HTTPException) as e:
            # as the simulator did to us: it broke the connection off
            self.log_message("the simulator: %s", repr(e))
            self.close_connection = True
        return None

    def __getattr__(self, name):
        if name.startswith("do_"):      # any method
            return self.handle_request
        raise AttributeError(name)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        sys.stderr.write("%d ended: %r\n" % (client_address[1], sys.exc_info()[1]))


def wait_for_end():
    while os.read(0, 4096):
        pass
    os._exit(0)


server = Server(("127.0.0.1", 0), Connection)
threading.Thread(target=wait_for_end, daemon=True).start()
print(server.server_address[1], flush=True)
server.serve_forever()
