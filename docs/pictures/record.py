"""Makes `egret` send one alert to services that are played here, and keeps what it sent."""

import email
import email.policy
import http.server
import json
import os
import socketserver
import subprocess
import threading
from email.message import EmailMessage
from pathlib import Path

# Two logins of the root user, as CloudTrail writes them.
LOGINS = [
    ("2026-11-20T09:58:12Z", "198.51.100.7", "5f4c2a90-77ab-4c1d-9a3e-20d1c6b8a001"),
    ("2026-11-20T10:03:41Z", "203.0.113.24", "5f4c2a90-77ab-4c1d-9a3e-20d1c6b8a002"),
]

CONFIGURATION = """\
partition "aws_cloudtrail_log" "company" {
  source "file" {
    paths = ["logs"]
  }
}

detection "root_console_login" {
  table       = "aws_cloudtrail_log"
  title       = "Root logged in to the console without a second factor"
  description = "Nobody works as root. A login without a second factor needs nothing but a stolen password."
  severity    = "high"
  tags        = ["attack.initial_access", "attack.t1078.004"]
  references  = ["https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html"]
  where       = <<-SQL
    event_name = 'ConsoleLogin'
    and user_identity.type = 'Root'
    and additional_event_data ->> 'MFAUsed' = 'No'
  SQL
  message     = "root logged in to account {recipient_account_id} from {source_ip_address}"
}

output "slack" "soc" {
  token   = "xoxb-of-nobody"
  channel = "C0123456789"
  api_url = "HTTP/slack"
}

output "teams" "soc" {
  url = "HTTP/teams"
}

output "email" "soc" {
  host     = "127.0.0.1"
  port     = SMTP_PORT
  security = "none"
  from     = "Egret <egret@example.org>"
  to       = ["SOC <soc@example.org>"]
}

output "github_issue" "triage" {
  repository = "example/security"
  token      = "of-nobody"
  labels     = ["alert", "severity: {{ alert.severity }}"]
  assignees  = ["octocat"]
  api_url    = "HTTP/github"
}

output "jira" "triage" {
  url     = "HTTP/jira"
  project = "SEC"
  token   = "of-nobody"
  labels  = ["{{ alert.channel }}"]
}

output "pagerduty" "on_call" {
  routing_key = "of-nobody"
  component   = "{{ alert.table }}"
  api_url     = "HTTP/pagerduty"
}

route {
  to = [
    output.slack.soc, output.teams.soc, output.email.soc,
    output.github_issue.triage, output.jira.triage, output.pagerduty.on_call,
  ]
}
"""

# What the services answer: method, end of the path, status, body.
ANSWERS = [
    ("POST", "/slack/chat.postMessage", 200, {"ok": True, "channel": "C0123456789", "ts": "1795168800.000100"}),
    ("POST", "/teams", 200, 1),
    ("GET", "/issues", 200, []),
    ("POST", "/issues", 201, {"number": 17}),
    ("POST", "/search", 200, {"issues": []}),
    ("POST", "/rest/api/2/issue", 201, {"id": "10017", "key": "SEC-17"}),
    ("POST", "/pagerduty/v2/enqueue", 202, {"status": "success", "dedup_key": "1"}),
]

# Whose message came by which path.
SERVICES = {
    "/slack/chat.postMessage": "slack",
    "/teams": "teams",
    "/github/repos/example/security/issues": "github_issue",
    "/jira/rest/api/2/issue": "jira",
    "/pagerduty/v2/enqueue": "pagerduty",
}


def sent(egret: Path, folder: Path) -> dict:
    """What `egret`, working in `folder`, sends about the alert, by the type of the output."""
    received: dict = {}

    class Services(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.respond()

        def do_POST(self):
            self.respond()

        def respond(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            path = self.path.split("?")[0]
            if self.command == "POST" and path in SERVICES:
                received[SERVICES[path]] = json.loads(body)
            known = [answer for answer in ANSWERS if self.command == answer[0] and path.endswith(answer[1])]
            status, answer = known[0][2:] if known else (404, {"message": "nobody is here"})
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    class MailServer(socketserver.StreamRequestHandler):
        def handle(self):
            self.say("220 here")
            for line in self.rfile:
                command = line[:4].upper()
                if command == b"DATA":
                    self.say("354 go on")
                    received["email"] = self.mail()
                self.say("221 bye" if command == b"QUIT" else "250 taken")
                if command == b"QUIT":
                    return

        def mail(self) -> EmailMessage:
            lines = []
            for line in self.rfile:
                if line == b".\r\n":
                    break
                lines.append(line.removeprefix(b"."))
            return email.message_from_bytes(b"".join(lines), policy=email.policy.default)

        def say(self, text: str):
            self.wfile.write(f"{text}\r\n".encode())

    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), Services) as services,
        socketserver.ThreadingTCPServer(("127.0.0.1", 0), MailServer) as mails,
    ):
        for server in (services, mails):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            collect(egret, folder, services.server_address[1], mails.server_address[1])
        finally:
            services.shutdown()
            mails.shutdown()
    missing = {"email", *SERVICES.values()} - received.keys()
    if missing:
        raise SystemExit(f"egret sent nothing to {', '.join(sorted(missing))}")
    return received


def collect(egret: Path, folder: Path, http_port: int, smtp_port: int):
    (folder / "logs").mkdir()
    (folder / "logs/cloudtrail.json").write_text(json.dumps({"Records": [login(*event) for event in LOGINS]}))
    text = CONFIGURATION.replace("HTTP", f"http://127.0.0.1:{http_port}").replace("SMTP_PORT", str(smtp_port))
    (folder / "egret.hcl").write_text(text)
    # Nothing of whoever runs this: no configuration, no proxy.
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder)}
    command = [egret, "--no-progress", "collect"]
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    if ended.returncode:
        raise SystemExit(f"egret collect ended with {ended.returncode}:\n{ended.stderr}")


def login(time: str, address: str, event_id: str) -> dict:
    account = "111122223333"
    return {
        "eventVersion": "1.08",
        "userIdentity": {
            "type": "Root",
            "principalId": account,
            "arn": f"arn:aws:iam::{account}:root",
            "accountId": account,
        },
        "eventTime": time,
        "eventSource": "signin.amazonaws.com",
        "eventName": "ConsoleLogin",
        "awsRegion": "us-east-1",
        "sourceIPAddress": address,
        "responseElements": {"ConsoleLogin": "Success"},
        "additionalEventData": {"MobileVersion": "No", "MFAUsed": "No"},
        "eventID": event_id,
        "eventType": "AwsConsoleSignIn",
        "recipientAccountId": account,
    }
