detection "linux_ssh_password_login_from_internet" {
  table       = "linux_auth_log"
  title       = "SSH login with a password from a public address"
  description = <<-EOT
    Passwords of SSH servers on the internet are guessed day and night, and this host takes them. The login
    may be the end of such guessing: look for failed logins from the same address before it.
  EOT
  severity       = "medium"
  tags           = ["attack.initial_access", "attack.credential_access", "attack.t1110", "attack.t1078"]
  falsepositives = ["Somebody who travels, where passwords are the rule."]
  references     = ["https://attack.mitre.org/techniques/T1110/"]

  where = <<-EOT
    event_type = 'login'
    and (auth_method = 'password' or auth_method like 'keyboard-interactive%')
    and source_ip is not null
    and not ip_in_network(source_ip, ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10',
      '169.254.0.0/16', '127.0.0.0/8', '::1/128', 'fc00::/7', 'fe80::/10'])
  EOT

  message = "{user} logged in to {host} from {source_ip} with a password"
}
