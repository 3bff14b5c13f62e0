"""A mail server for tests: says no where it is told to, and prints what it takes as lines of JSON."""

import asyncio
import email
import email.policy
import json
import logging
import ssl
import sys
import threading

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


def parts(message):
    found = {"html": None, "text": None, "attachments": []}
    for part in message.walk():
        if part.is_multipart():
            continue
        kind = part.get_content_type()
        if part.get_content_disposition() == "attachment":
            content = part.get_payload(decode=True).decode("utf-8")
            found["attachments"].append({"name": part.get_filename(), "type": kind, "content": content})
        elif kind == "text/html":
            found["html"] = part.get_content().replace("\r\n", "\n")
        elif kind == "text/plain":
            found["text"] = part.get_content().replace("\r\n", "\n")
    return found


class Handler:
    def __init__(self, settings):
        self.recipients = settings.get("recipients", {})
        self.senders = list(settings.get("senders", []))
        self.data = list(settings.get("data", []))

    def recipient_answer(self, address):
        answer = self.recipients.get(address)
        # A list is used up, answer by answer.
        if isinstance(answer, list):
            return answer.pop(0) if answer else None
        return answer

    async def handle_MAIL(self, server, session, envelope, address, options):
        if self.senders and (answer := self.senders.pop(0)):
            return answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if answer := self.recipient_answer(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.data and (answer := self.data.pop(0)):
            return answer
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None,
            "login": session.auth_data,
            "greeting": session.host_name,
            "headers": [[name, str(value)] for name, value in message.items()],
            "defects": [str(defect) for part in message.walk() for defect in part.defects],
            "longest_line": max(len(line) for line in envelope.content.split(b"\r\n")),
            "size": len(envelope.content),
            **parts(message),
        }
        print(json.dumps(mail), flush=True)
        return "250 OK"


async def serve(settings):
    context = None
    if settings.get("certificate"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(settings["certificate"], settings["key"])
    implicit = settings.get("implicit", False)
    login = settings.get("login")

    def authenticate(server, session, envelope, mechanism, data):
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        given = [data.login.decode(), data.password.decode()]
        return AuthResult(success=given == login, handled=False, auth_data=given[0])

    handler = Handler(settings)

    def session():
        return SMTP(
            handler,
            hostname="localhost",
            tls_context=None if implicit else context,
            require_starttls=bool(context) and not implicit,
            authenticator=authenticate,
            auth_required=login is not None,
            auth_require_tls=bool(context) and not implicit,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", 0, ssl=context if implicit else None)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    # The end of the input is the end of the one who started this.
    ended = asyncio.Event()

    def wait():
        sys.stdin.read()
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=wait, daemon=True).start()
    await ended.wait()


# Clients that go away in the middle are what tests are about.
logging.disable(logging.CRITICAL)
asyncio.run(serve(json.loads(sys.argv[1])))
