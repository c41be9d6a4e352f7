"""A real SMTP server (aiosmtpd) for the tests: prints its port, then each mail it took as a line of JSON.

A recipient's local part says what becomes of a mail:
  busy     RCPT TO is answered 450            gone     RCPT TO is answered 550
  later    the dot is answered 451            spam     the dot is answered 554
  lost     the mail is taken on, and the connection cut before the reply
  early    the connection is cut at DATA, before any of the mail is read
  silent   the mail is taken on, and nothing is ever answered
  drop     the mail is taken on and answered, and the connection closed then; says `{"closed": true}`

Arguments: a certificate and its key (STARTTLS is offered then, and needed before AUTH), or `plain`; or `ascii`, which is
plain and without SMTPUTF8.
"""

import asyncio
import json
import logging
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

TOKEN = b"token"

# It has its doubts about AUTH without TLS, which is what a test is about.
logging.disable(logging.WARNING)
warnings.simplefilter("ignore")


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        local = address.split("@")[0]
        if local == "busy":
            return "450 4.2.1 mailbox of <%s> is busy" % address
        if local == "gone":
            return "550 5.1.1 no mailbox <%s>" % address
        if local == "early":
            session.cut = True
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        local = envelope.rcpt_tos[0].split("@")[0]
        if local == "later":
            return "451 4.3.0 later"
        if local == "spam":
            return "554 5.7.1 refused"
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "content": envelope.original_content.decode("utf-8"),
            "tls": session.ssl is not None,
            "peer": session.peer[1],
            "user": (session.auth_data or b"").decode(),
        }
        print(json.dumps(mail), flush=True)
        if local == "lost":
            server.transport.abort()
        if local == "silent":
            await asyncio.sleep(3600)
        if local == "drop":
            asyncio.get_running_loop().call_later(0.05, self.close, server.transport)
        return "250 2.0.0 Ok"

    def close(self, transport):
        transport.abort()
        # The socket itself is closed in the next round of the loop.
        said = json.dumps({"closed": True})
        asyncio.get_running_loop().call_later(0.05, lambda: print(said, flush=True))


class Server(SMTP):
    async def smtp_DATA(self, arg):
        if getattr(self.session, "cut", False):
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


def authenticate(server, session, envelope, mechanism, data):
    good = data.login == TOKEN and data.password == TOKEN
    session.auth_data = data.login
    return AuthResult(success=good, handled=False, auth_data=data.login)


async def main():
    context = None
    if sys.argv[1] not in ("plain", "ascii"):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
    loop = asyncio.get_running_loop()
    make = lambda: Server(
        Handler(),
        hostname="sandbox",
        tls_context=context,
        require_starttls=context is not None,
        auth_required=True,
        auth_require_tls=context is not None,
        authenticator=authenticate,
        enable_SMTPUTF8=sys.argv[1] != "ascii",
        loop=loop,
    )
    server = await loop.create_server(make, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    # Ends with whoever started it.
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
