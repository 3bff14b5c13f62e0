# The demo: four kinds of log, one lake, and detections that watch them on the way in.
# Start it with `make demo`, or in this folder with `egret collect`.

lake {
  path = "egret-lake"
}

partition "aws_cloudtrail_log" "company" {
  source "file" {
    paths = ["logs/cloudtrail"]
  }
}

partition "nginx_access_log" "shop" {
  # Health checks are of no interest: they are neither stored nor looked at.
  filter = "request_uri <> '/health'"

  source "file" {
    paths = ["logs/nginx"]
  }
}

partition "linux_auth_log" "web" {
  timezone = "UTC"

  source "file" {
    paths = ["logs/auth"]
  }
}

partition "aws_vpc_flow_log" "network" {
  source "file" {
    paths = ["logs/vpcflow"]
  }
}

# The host as it is, and not as its logs tell it: what became different between two looks is in table `change`. A real one
# has no `root`.

generator "linux_users" "users" {
  root = "host"
}

generator "authorized_keys" "keys" {
  root = "host"
}

rules "host" {
  built_in = ["host_*"]
}

# Alerts: findings of a detection within one night are one alert. All go to a file, the severe ones to a webhook too.
# `make demo` starts somebody who listens, and says where; without that the webhook is left out.

alerts {
  window = "12h"
}

output "file" "all" {
  path = "alerts.jsonl"
}

output "webhook" "oncall" {
  url     = env("EGRET_DEMO_WEBHOOK", "http://127.0.0.1:9/alerts")
  enabled = env("EGRET_DEMO_WEBHOOK", "") != ""
}

route {
  severity = ">= high"
  to       = [output.webhook.oncall]
  continue = true
}

route {
  to = [output.file.all]
}

# The cloud account.

detection "cloud_root_login_without_mfa" {
  table       = "aws_cloudtrail_log"
  title       = "Root logged in to the console without a second factor"
  description = "Nobody works as root. A login without a second factor needs nothing but a stolen password."
  severity    = "critical"
  tags        = ["attack.initial_access", "attack.t1078.004"]
  where       = <<-SQL
    event_name = 'ConsoleLogin'
    and user_identity.type = 'Root'
    and response_elements ->> 'ConsoleLogin' = 'Success'
    and additional_event_data ->> 'MFAUsed' = 'No'
  SQL
  message     = "root logged in to account {recipient_account_id} from {source_ip_address} without a second factor"

  # `egret test` runs these.
  test "no second factor" {
    expect = true
    event = {
      eventTime           = "2026-03-18T02:52:07Z"
      eventName           = "ConsoleLogin"
      userIdentity        = { type = "Root" }
      responseElements    = { ConsoleLogin = "Success" }
      additionalEventData = { MFAUsed = "No" }
    }
  }

  test "a second factor" {
    expect = false
    event = {
      eventTime           = "2026-03-18T02:52:07Z"
      eventName           = "ConsoleLogin"
      userIdentity        = { type = "Root" }
      responseElements    = { ConsoleLogin = "Success" }
      additionalEventData = { MFAUsed = "Yes" }
    }
  }
}

detection "cloud_root_access_key_created" {
  table       = "aws_cloudtrail_log"
  title       = "Access key made for root"
  description = "A key of root can do everything, from anywhere, without a second factor."
  severity    = "critical"
  tags        = ["attack.persistence", "attack.t1098.001"]
  where       = "event_name = 'CreateAccessKey' and user_identity.type = 'Root' and error_code is null"
  message     = "root made itself an access key from {source_ip_address}"
}

detection "cloud_trail_stopped" {
  table       = "aws_cloudtrail_log"
  title       = "CloudTrail stopped or deleted"
  description = "Somebody does not want to be seen."
  severity    = "critical"
  tags        = ["attack.defense_evasion", "attack.t1562.008"]
  where       = <<-SQL
    event_source = 'cloudtrail.amazonaws.com'
    and event_name in ('StopLogging', 'DeleteTrail', 'UpdateTrail', 'PutEventSelectors')
    and error_code is null
  SQL
  message     = "{event_name} by {user_identity.arn} from {source_ip_address}"
}

detection "cloud_security_group_open_to_the_world" {
  table       = "aws_cloudtrail_log"
  title       = "Security group opened to the world"
  description = "A rule lets every address of the internet in."
  severity    = "high"
  tags        = ["attack.defense_evasion", "attack.t1562.007"]
  where       = <<-SQL
    event_name = 'AuthorizeSecurityGroupIngress'
    and error_code is null
    and (request_parameters like '%0.0.0.0/0%' or request_parameters like '%::/0%')
  SQL
  message     = "{user_identity.arn} opened a security group in {aws_region} to the world"
}

detection "cloud_identity_call_with_attack_tool" {
  table       = "aws_cloudtrail_log"
  title       = "A key was tried out from an attacker's machine"
  description = "The first call with a stolen key asks whose it is; the client says that it runs on a distribution for attackers."
  severity    = "high"
  tags        = ["attack.discovery", "attack.t1087.004"]
  where       = "event_name = 'GetCallerIdentity' and regexp_matches(lower(user_agent), 'kali|parrot|pentoo|pacu')"
  message     = "the key of {user_identity.user_name} was tried out from {source_ip_address} in {aws_region}"
}

detection "cloud_iam_listing_denied" {
  table       = "aws_cloudtrail_log"
  title       = "Listing of users or roles denied"
  description = "Whoever holds the credentials is finding out what they are good for."
  severity    = "low"
  tags        = ["attack.discovery", "attack.t1069.003"]
  where       = "event_source = 'iam.amazonaws.com' and error_code in ('AccessDenied', 'AccessDeniedException')"
  message     = "{user_identity.user_name} may not {event_name}, tried from {source_ip_address}"
}

# The web server.

detection "web_sql_injection" {
  table       = "nginx_access_log"
  title       = "SQL in a web request"
  description = "A request carries SQL where an application expects a value. An answer of 200 is worse than one of 500."
  severity    = "high"
  tags        = ["attack.initial_access", "attack.t1190"]
  where       = "regexp_matches(lower(request_uri), 'union(%20|\\+| )+(all(%20|\\+| )+)?select|(%27|'')(%20|\\+| )*(or|and)(%20|\\+| )|pg_sleep\\(|sleep\\([0-9]')"
  message     = "{remote_addr} sent SQL and got {status}: {request_uri}"
}

detection "web_path_traversal" {
  table       = "nginx_access_log"
  title       = "Path traversal in a web request"
  description = "A request climbs out of the folder that the server shows."
  severity    = "high"
  tags        = ["attack.discovery", "attack.t1083"]
  where       = "regexp_matches(lower(request_uri), '(\\.\\.(/|%2f|\\\\)){2,}')"
  message     = "{remote_addr} climbed out of the folder and got {status}: {request_uri}"
}

detection "web_search_for_secrets" {
  table       = "nginx_access_log"
  title       = "Search for files that hold secrets"
  description = "Nobody follows a link to these; whoever asks is looking for keys, dumps and repositories."
  severity    = "medium"
  tags        = ["attack.reconnaissance", "attack.t1595.003"]
  where       = "regexp_matches(request_uri, '/(\\.env|\\.git/|\\.svn/|\\.aws/|\\.ssh/|[a-z]+\\.(sql|sqlite|bak)|[a-z]+\\.php\\.bak)')"
  message     = "{remote_addr} asked for {request_uri} and got {status}"
}

# The hosts.

detection "ssh_guess_for_unknown_user" {
  table       = "linux_auth_log"
  title       = "Password guessed for a user that does not exist"
  description = "Somebody goes through a list of names."
  severity    = "low"
  tags        = ["attack.credential_access", "attack.t1110.001"]
  where       = "program = 'sshd' and message like 'Failed password for invalid user %'"
  message     = "{source_ip} tried to log in to {host} as {user}"
}

detection "ssh_password_login_from_outside" {
  table       = "linux_auth_log"
  title       = "Login with a password from outside the office"
  description = "Everybody here logs in with a key. A password can be guessed."
  severity    = "high"
  tags        = ["attack.initial_access", "attack.t1078.003"]
  where       = <<-SQL
    program = 'sshd'
    and message like 'Accepted password for %'
    and not ip_in_network(source_ip, '198.51.100.0/28')
  SQL
  message     = "{user} logged in to {host} with a password from {source_ip}"
}

detection "linux_user_created" {
  table       = "linux_auth_log"
  title       = "User made on a host"
  description = "Users come from the directory here; one made by hand is a way back in."
  severity    = "high"
  tags        = ["attack.persistence", "attack.t1136.001"]
  where       = "program = 'useradd' and message like 'new user:%'"
  message     = "on {host}: {message}"
}

detection "sudo_secrets_or_logs" {
  table       = "linux_auth_log"
  title       = "Secrets read or logs destroyed as root"
  description = "A command under sudo touches a file that holds secrets, or wipes a log."
  severity    = "critical"
  tags        = ["attack.credential_access", "attack.t1552.001", "attack.defense_evasion", "attack.t1070.002"]
  where       = "program = 'sudo' and regexp_matches(command, '/secrets/|/etc/shadow|(shred|rm|truncate) .*/var/log/')"
  message     = "{user} on {host} ran {command}"
}

# The network.

detection "network_database_port_probed" {
  table       = "aws_vpc_flow_log"
  title       = "Database port probed from outside"
  description = "The firewall refused it; the address is worth knowing."
  severity    = "medium"
  tags        = ["attack.discovery", "attack.t1046"]
  where       = <<-SQL
    action = 'REJECT'
    and dst_port in (1433, 1521, 3306, 5432, 6379, 9200, 27017)
    and ip_in_network(dst_addr, '10.0.2.0/24')
    and not ip_in_network(src_addr, '10.0.0.0/8')
  SQL
  message     = "{src_addr} tried {dst_addr} port {dst_port}"
}

detection "network_large_transfer_to_odd_port" {
  table       = "aws_vpc_flow_log"
  title       = "Large transfer to the outside on an odd port"
  description = "More than 100 MB left the network in one flow, to a port where no service of ours is."
  severity    = "critical"
  tags        = ["attack.exfiltration", "attack.t1048"]
  where       = <<-SQL
    action = 'ACCEPT'
    and bytes > 100000000
    and dst_port not in (22, 80, 443)
    and ip_in_network(src_addr, '10.0.0.0/8')
    and not ip_in_network(dst_addr, '10.0.0.0/8')
  SQL
  message     = "{src_addr} sent {bytes} bytes to {dst_addr} port {dst_port}"
}
