#!/usr/bin/env python3
"""Writes the demo's logs: two days of a small company, and one break-in through four kinds of log.

The story, all times UTC, 2026-03-17 and 2026-03-18:

    18th 01:40  203.0.113.66 scans the web server: a scanner's user agent, a burst of 404,
                SQL injection, path traversal
    18th 02:03  the same address sweeps the ports of the network; the firewall refuses all but 22, 80, 443
    18th 02:10  it guesses passwords over ssh, gets in as `deploy`, becomes root, adds the user `backup2`,
                and finds a file with the cloud account's root password
    18th 02:41  198.51.100.23, an exit of the same attacker, tries what a found key may do: AccessDenied
    18th 02:52  203.0.113.66 logs in to the cloud console as root without a second factor, makes an access
                key, stops the trail and deletes it, and opens port 22 of a security group to the world
    18th 03:20  the database server sends 4 GB to 192.0.2.45, port 4444

CloudTrail goes on after the account's trail is gone: these files come from the organisation's trail, which an
account cannot stop. Every record is fixed: running it again gives the same logs. Addresses are from the ranges kept
for documentation.
"""

import gzip
import json
import random
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path

LOGS = Path(__file__).resolve().parent / "logs"
ATTACKER = "203.0.113.66"
EXIT = "198.51.100.23"
DROP = "192.0.2.45"
OFFICE = ["198.51.100.10", "198.51.100.11", "198.51.100.12"]
ACCOUNT = "123456789012"
RANDOM = random.Random(20260318)


def at(day, hour, minute, second=0):
    return datetime(2026, 3, day, hour, minute, second, tzinfo=timezone.utc)


def write_gzip(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    # No name and no time in the header: the same text gives the same file.
    path.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


# --- CloudTrail: one JSON document a file, records under "Records" ---------------------------------------


def root_identity():
    return {
        "type": "Root",
        "principalId": ACCOUNT,
        "arn": f"arn:aws:iam::{ACCOUNT}:root",
        "accountId": ACCOUNT,
        "sessionContext": {"attributes": {"creationDate": "2026-03-18T02:52:07Z", "mfaAuthenticated": "false"}},
    }


def user_identity(name, key):
    return {
        "type": "IAMUser",
        "principalId": f"AIDAEXAMPLE{sum(name.encode()):010}",
        "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}",
        "accountId": ACCOUNT,
        "accessKeyId": key,
        "userName": name,
    }


def role_identity(role, session):
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}"
    issuer = {
        "type": "Role",
        "principalId": "AROAEXAMPLEROLE00001",
        "arn": f"arn:aws:iam::{ACCOUNT}:role/{role}",
        "accountId": ACCOUNT,
        "userName": role,
    }
    attributes = {"creationDate": "2026-03-17T08:00:00Z", "mfaAuthenticated": "false"}
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLEROLE00001:{session}",
        "arn": arn,
        "accountId": ACCOUNT,
        "accessKeyId": "ASIAEXAMPLE000000001",
        "sessionContext": {"sessionIssuer": issuer, "attributes": attributes},
    }


def trail_event(when, source, name, identity, address, agent, **rest):
    event = {
        "eventVersion": "1.09",
        "userIdentity": identity,
        "eventTime": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": rest.pop("region", "eu-central-1"),
        "sourceIPAddress": address,
        "userAgent": agent,
        "requestParameters": rest.pop("request", None),
        "responseElements": rest.pop("response", None),
        "requestID": str(uuid.UUID(int=RANDOM.getrandbits(128), version=4)),
        "eventID": str(uuid.UUID(int=RANDOM.getrandbits(128), version=4)),
        "readOnly": name.startswith(("Describe", "List", "Get", "Lookup", "Head")),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    }
    event.update(rest)
    return event


def normal_trail(day):
    terraform = "APN/1.0 HashiCorp/1.0 Terraform/1.11.2 terraform-provider-aws/5.91.0"
    cli = "aws-cli/2.24.0 md/awscrt#0.23.8 ua/2.0 os/linux#6.8.0 lang/python#3.12.9"
    people = [("anna", "AKIAEXAMPLEANNA00001"), ("ben", "AKIAEXAMPLEBEN000001")]
    reads = [
        ("ec2", "DescribeInstances", {"instancesSet": {}, "filterSet": {}}),
        ("s3", "ListBuckets", None),
        ("iam", "ListUsers", None),
        ("rds", "DescribeDBInstances", None),
        ("cloudwatch", "DescribeAlarms", {"maxRecords": 100}),
    ]
    events = []
    for index in range(14):
        source, name, request = reads[index % len(reads)]
        person, key = people[index % len(people)]
        when = at(day, 8 + index // 2, RANDOM.randrange(60), RANDOM.randrange(60))
        address = OFFICE[index % len(OFFICE)]
        events.append(trail_event(when, source, name, user_identity(person, key), address, cli, request=request))
    for index in range(6):
        identity = role_identity("deploy-pipeline", f"run-{day}{index:02}")
        when = at(day, 9 + index, RANDOM.randrange(60), RANDOM.randrange(60))
        request = {"functionName": "orders", "publish": True}
        events.append(
            trail_event(when, "lambda", "UpdateFunctionCode20150331v2", identity, "198.51.100.40", terraform, request=request)
        )
    return events


def attack_trail():
    botocore = "Boto3/1.36.0 md/Botocore#1.36.0 ua/2.0 os/linux#6.1.0-kali lang/python#3.11.2"
    browser = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    reporter = user_identity("backup-reporter", "AKIAEXAMPLEBACKUP001")
    events = [
        trail_event(at(18, 2, 41, 3), "sts", "GetCallerIdentity", reporter, EXIT, botocore, region="us-east-1"),
        trail_event(at(18, 2, 41, 9), "sts", "GetCallerIdentity", reporter, EXIT, botocore, region="eu-central-1"),
    ]
    denied = [
        ("iam", "ListUsers"),
        ("iam", "ListRoles"),
        ("iam", "GetAccountAuthorizationDetails"),
        ("s3", "ListBuckets"),
        ("ec2", "DescribeInstances"),
        ("secretsmanager", "ListSecrets"),
        ("kms", "ListKeys"),
        ("rds", "DescribeDBInstances"),
    ]
    for index, (source, name) in enumerate(denied):
        message = f"User: {reporter['arn']} is not authorized to perform: {source}:{name}"
        events.append(
            trail_event(
                at(18, 2, 42, 5 * index),
                source,
                name,
                reporter,
                EXIT,
                botocore,
                errorCode="AccessDenied",
                errorMessage=message,
            )
        )
    login = {"LoginTo": "https://console.aws.amazon.com/console/home", "MobileVersion": "No", "MFAUsed": "No"}
    root = {"type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT}
    events.append(
        trail_event(
            at(18, 2, 52, 7),
            "signin",
            "ConsoleLogin",
            root,
            ATTACKER,
            browser,
            region="us-east-1",
            response={"ConsoleLogin": "Success"},
            additionalEventData=login,
            eventType="AwsConsoleSignIn",
        )
    )
    key = {
        "accessKey": {
            "accessKeyId": "AKIAEXAMPLEROOT00001",
            "status": "Active",
            "createDate": "Mar 18, 2026 2:55:31 AM",
        }
    }
    trail = f"arn:aws:cloudtrail:eu-central-1:{ACCOUNT}:trail/company"
    world = {
        "groupId": "sg-0a1b2c3d4e5f60718",
        "ipPermissions": {
            "items": [
                {
                    "ipProtocol": "tcp",
                    "fromPort": 22,
                    "toPort": 22,
                    "groups": {},
                    "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]},
                    "ipv6Ranges": {},
                    "prefixListIds": {},
                }
            ]
        },
    }
    steps = [
        (at(18, 2, 54, 2), "iam", "ListAccessKeys", None, None),
        (at(18, 2, 55, 31), "iam", "CreateAccessKey", None, key),
        (at(18, 2, 57, 12), "cloudtrail", "DescribeTrails", None, None),
        (at(18, 2, 58, 40), "cloudtrail", "StopLogging", {"name": trail}, None),
        (at(18, 2, 59, 5), "cloudtrail", "DeleteTrail", {"name": trail}, None),
        (at(18, 3, 4, 51), "ec2", "DescribeSecurityGroups", {"filterSet": {}}, None),
        (at(18, 3, 5, 44), "ec2", "AuthorizeSecurityGroupIngress", world, {"_return": True}),
    ]
    for when, source, name, request, response in steps:
        extra = {"sessionCredentialFromConsole": "true"}
        events.append(
            trail_event(when, source, name, root_identity(), ATTACKER, browser, request=request, response=response, **extra)
        )
    return events


def cloudtrail():
    for day, events in ((17, normal_trail(17)), (18, normal_trail(18) + attack_trail())):
        events.sort(key=lambda event: event["eventTime"])
        name = f"{ACCOUNT}_CloudTrail_eu-central-1_202603{day}T2355Z_demo.json.gz"
        write_gzip(LOGS / "cloudtrail" / name, json.dumps({"Records": events}, separators=(",", ":")))


# --- nginx: the combined format -----------------------------------------------------------------------------


def nginx_line(when, address, request, status, size, referer="-", agent="-", user="-"):
    time = when.strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'{address} - {user} [{time}] "{request}" {status} {size} "{referer}" "{agent}"'


def nginx():
    browsers = [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/134.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Safari/605.1.15",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    ]
    paths = ["/", "/products", "/products/17", "/products/23", "/cart", "/static/site.css", "/static/site.js", "/about"]
    lines = []
    for index in range(130):
        when = at(17, 6, 0) + timedelta(seconds=index * 780 + RANDOM.randrange(600))
        address = f"192.0.2.{100 + RANDOM.randrange(60)}"
        path = RANDOM.choice(paths)
        status = 304 if path.startswith("/static") and RANDOM.random() < 0.4 else 200
        size = 0 if status == 304 else RANDOM.randrange(800, 24000)
        referer = "-" if path == "/" else "https://shop.example.com/"
        lines.append((when, nginx_line(when, address, f"GET {path} HTTP/2.0", status, size, referer, RANDOM.choice(browsers))))
    for index in range(12):
        when = at(17, 7, 30) + timedelta(hours=2 * index, minutes=RANDOM.randrange(50))
        lines.append((when, nginx_line(when, "198.51.100.40", "GET /health HTTP/1.1", 200, 2, "-", "uptime-check/2.1")))
    for index, (path, status) in enumerate([("/favicon.ico", 404), ("/old-page", 404), ("/robots.txt", 200), ("/cart", 500)]):
        when = at(17, 11 + 3 * index, 5, 9)
        lines.append((when, nginx_line(when, f"192.0.2.{170 + index}", f"GET {path} HTTP/1.1", status, 153, "-", browsers[0])))

    scanner = "Mozilla/5.00 (Nikto/2.5.0) (Evasions:None) (Test:map_codes)"
    guesses = (
        ".env .git/config wp-login.php wp-admin/ phpmyadmin/ admin.php backup.zip backup.sql config.php.bak server-status "
        "actuator/env api/v1/users .aws/credentials .ssh/id_rsa cgi-bin/test.cgi solr/ jenkins/ console/ debug/ old/ "
        "test.php info.php xmlrpc.php vendor/phpunit/ .svn/entries .DS_Store web.config db.sqlite dump.sql login.jsp"
    )
    for index, guess in enumerate(guesses.split()):
        when = at(18, 1, 40) + timedelta(seconds=2 * index)
        lines.append((when, nginx_line(when, ATTACKER, f"GET /{guess} HTTP/1.1", 404, 153, "-", scanner)))
    injections = [
        ("/products?id=17%27%20OR%20%271%27=%271", 500),
        ("/products?id=17%20UNION%20SELECT%20null,null,null--", 500),
        ("/products?id=17%20UNION%20SELECT%20login,password,null%20FROM%20users--", 200),
        ("/products?id=17;SELECT%20pg_sleep(5)--", 500),
        ("/search?q=%27%20AND%20SLEEP(5)--%20-", 200),
    ]
    for index, (path, status) in enumerate(injections):
        when = at(18, 1, 46, 11 * index)
        lines.append((when, nginx_line(when, ATTACKER, f"GET {path} HTTP/1.1", status, 611, "-", "sqlmap/1.9.2#stable (https://sqlmap.org)")))
    traversals = [
        ("/static/../../../../etc/passwd", 400),
        ("/static/..%2f..%2f..%2f..%2fetc%2fpasswd", 404),
        ("/download?file=../../../../etc/passwd", 200),
        ("/download?file=../../../../home/deploy/.ssh/authorized_keys", 200),
    ]
    for index, (path, status) in enumerate(traversals):
        when = at(18, 1, 51, 13 * index)
        lines.append((when, nginx_line(when, ATTACKER, f"GET {path} HTTP/1.1", status, 1204, "-", "curl/8.5.0")))
    for index in range(8):
        when = at(18, 1, 54, 4 * index)
        lines.append((when, nginx_line(when, ATTACKER, "POST /login HTTP/1.1", 401, 98, "-", "python-requests/2.32.3")))
    lines.sort(key=lambda line: line[0])
    write(LOGS / "nginx" / "access.log", "".join(f"{line}\n" for _, line in lines))


# --- sshd, sudo, su, useradd: RFC 3164, as rsyslog writes it ------------------------------------------------

UIDS = {"root": 0, "anna": 1001, "ben": 1002, "deploy": 1003, "backup2": 1007}


def auth():
    lines = []

    def log(when, program, message, pid=None):
        tag = f"{program}[{pid}]" if pid else program
        lines.append((when, f"{when.strftime('%b')} {when.day:2d} {when:%H:%M:%S} web-1 {tag}: {message}"))

    def session(when, user, address, pid, method="publickey"):
        key = ": ED25519 SHA256:Zq3oXkG1o6n4l3n0kYV8u1TtEXAMPLEKEY7Qm2Wc5Rd" if method == "publickey" else ""
        log(when, "sshd", f"Accepted {method} for {user} from {address} port {RANDOM.randrange(40000, 60000)} ssh2{key}", pid)
        log(when, "sshd", f"pam_unix(sshd:session): session opened for user {user}(uid={UIDS[user]}) by (uid=0)", pid)

    def sudo(when, user, tty, folder, command, target="root"):
        log(when, "sudo", f"{user:>8} : TTY={tty} ; PWD={folder} ; USER={target} ; COMMAND={command}")
        log(when, "sudo", f"pam_unix(sudo:session): session opened for user {target}(uid=0) by {user}(uid={UIDS[user]})")
        log(when + timedelta(seconds=2), "sudo", f"pam_unix(sudo:session): session closed for user {target}")

    for day in (17, 18):
        session(at(day, 8, 11, 4), "anna", OFFICE[0], 2000 + day)
        sudo(at(day, 8, 14, 40), "anna", "pts/0", "/home/anna", "/usr/bin/apt-get update")
        log(at(day, 8, 31, 5), "sshd", "pam_unix(sshd:session): session closed for user anna", 2000 + day)
        session(at(day, 13, 2, 55), "ben", OFFICE[1], 3000 + day)
        sudo(at(day, 13, 3, 30), "ben", "pts/1", "/srv/shop", "/usr/bin/systemctl restart nginx")
        log(at(day, 13, 9, 12), "sshd", f"Received disconnect from {OFFICE[1]} port 50022:11: disconnected by user", 3000 + day)
        log(at(day, 13, 9, 12), "sshd", "pam_unix(sshd:session): session closed for user ben", 3000 + day)
        for hour in range(0, 24, 3):
            log(at(day, hour, 17, 1), "CRON", "pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)", 4000 + 100 * day + hour)
            log(at(day, hour, 17, 3), "CRON", "pam_unix(cron:session): session closed for user root", 4000 + 100 * day + hour)
    log(at(17, 13, 1, 58), "sshd", f"Failed password for ben from {OFFICE[1]} port 50020 ssh2", 3016)

    guesses = "root admin test oracle ubuntu postgres git jenkins deploy deploy deploy root pi user nagios deploy".split()
    known = {"root", "deploy"}
    for index, user in enumerate(guesses):
        when = at(18, 2, 10) + timedelta(seconds=7 * index)
        pid = 7100 + index
        port = 41000 + 13 * index
        invalid = "" if user in known else "invalid user "
        if invalid:
            log(when, "sshd", f"Invalid user {user} from {ATTACKER} port {port}", pid)
        log(when + timedelta(seconds=1), "sshd", f"Failed password for {invalid}{user} from {ATTACKER} port {port} ssh2", pid)
    log(
        at(18, 2, 12, 4),
        "sshd",
        f"error: maximum authentication attempts exceeded for root from {ATTACKER} port 41143 ssh2 [preauth]",
        7111,
    )
    session(at(18, 2, 12, 31), "deploy", ATTACKER, 7130, method="password")
    sudo(at(18, 2, 14, 9), "deploy", "pts/2", "/home/deploy", "/bin/bash")
    log(at(18, 2, 16, 20), "useradd", "new group: name=backup2, GID=1007", 7190)
    log(at(18, 2, 16, 20), "useradd", "new user: name=backup2, UID=1007, GID=1007, home=/home/backup2, shell=/bin/bash, from=/dev/pts/2", 7190)
    log(at(18, 2, 16, 41), "usermod", "add 'backup2' to group 'sudo'", 7196)
    log(at(18, 2, 17, 3), "passwd", "pam_unix(passwd:chauthtok): password changed for backup2", 7201)
    log(at(18, 2, 18, 30), "su", "(to backup2) root on pts/2", 7210)
    log(at(18, 2, 18, 30), "su", "pam_unix(su:session): session opened for user backup2(uid=1007) by deploy(uid=0)", 7210)
    sudo(at(18, 2, 20, 2), "backup2", "pts/2", "/srv/shop", "/usr/bin/cat /srv/shop/secrets/aws-root.txt")
    sudo(at(18, 2, 24, 45), "backup2", "pts/2", "/var/log", "/usr/bin/shred -u /var/log/nginx/error.log")
    log(at(18, 2, 31, 7), "sudo", "  nobody : user NOT in sudoers ; TTY=pts/3 ; PWD=/ ; USER=root ; COMMAND=/bin/sh")
    log(at(18, 2, 33, 50), "sshd", "pam_unix(sshd:session): session closed for user deploy", 7130)
    lines.sort(key=lambda line: line[0])
    write(LOGS / "auth" / "auth.log", "".join(f"{line}\n" for _, line in lines))


# --- VPC flow logs: version 2, the default fields, with the header line that S3 delivery writes ------------------

HEADER = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
WEB = ("eni-0web000000000001", "10.0.1.10")
DATABASE = ("eni-0db0000000000002", "10.0.2.20")


def flow(start, interface, source, target, source_port, target_port, packets, size, action, protocol=6, seconds=58):
    first = int(start.timestamp())
    return first, (
        f"2 {ACCOUNT} {interface} {source} {target} {source_port} {target_port} {protocol} {packets} {size} "
        f"{first} {first + seconds} {action} OK"
    )


def vpcflow():
    web, database = WEB, DATABASE
    days = {17: [], 18: []}
    for day in days:
        for index in range(60):
            start = at(day, 0, 0) + timedelta(seconds=index * 1400 + RANDOM.randrange(900))
            client = f"192.0.2.{100 + RANDOM.randrange(60)}"
            packets = RANDOM.randrange(8, 60)
            days[day].append(flow(start, web[0], client, web[1], RANDOM.randrange(40000, 60000), 443, packets, packets * 410, "ACCEPT"))
            if index % 3 == 0:
                packets = RANDOM.randrange(10, 90)
                port = RANDOM.randrange(40000, 60000)
                days[day].append(flow(start, database[0], web[1], database[1], port, 5432, packets, packets * 330, "ACCEPT"))
        for index in range(10):
            start = at(day, 2 * index, 13, RANDOM.randrange(60))
            noise = f"192.0.2.{200 + RANDOM.randrange(50)}"
            days[day].append(flow(start, web[0], noise, web[1], RANDOM.randrange(40000, 60000), RANDOM.choice([23, 445, 3389]), 1, 40, "REJECT"))
        for hour, status in ((3, "NODATA"), (5, "SKIPDATA"), (22, "NODATA")):
            first = int(at(day, hour, 30).timestamp())
            days[day].append((first, f"2 {ACCOUNT} {database[0]} - - - - - - - {first} {first + 60} - {status}"))

    ports = [21, 22, 23, 25, 53, 80, 110, 111, 135, 139, 143, 389, 443, 445, 993, 1433, 1521, 2049, 2375, 3306, 3389, 5432,
             5601, 5900, 6379, 8000, 8080, 8443, 8888, 9200, 9300, 10250, 11211, 27017]  # fmt: skip
    for index, port in enumerate(ports):
        action = "ACCEPT" if port in (22, 80, 443) else "REJECT"
        for interface, address in (web, database):
            refused = "REJECT" if interface == database[0] else action
            start = at(18, 2, 3) + timedelta(seconds=index)
            days[18].append(flow(start, interface, ATTACKER, address, 54321, port, 1, 44, refused, seconds=1))
    ssh = flow(at(18, 2, 12, 20), web[0], ATTACKER, web[1], 41337, 22, 4120, 512_884, "ACCEPT", seconds=600)
    days[18].append(ssh)
    for index in range(8):
        start = at(18, 3, 20) + timedelta(minutes=10 * index)
        packets = 360_000 + 1_111 * index
        days[18].append(flow(start, database[0], database[1], DROP, 50544, 4444, packets, packets * 1448, "ACCEPT", seconds=598))
    for day, lines in days.items():
        lines.sort()
        text = HEADER + "\n" + "".join(f"{line}\n" for _, line in lines)
        write_gzip(LOGS / "vpcflow" / f"{ACCOUNT}_vpcflowlogs_eu-central-1_fl-0demo_202603{day}T0000Z.log.gz", text)


if __name__ == "__main__":
    cloudtrail()
    nginx()
    auth()
    vpcflow()
