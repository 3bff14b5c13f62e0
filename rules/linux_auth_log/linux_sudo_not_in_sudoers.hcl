detection "linux_sudo_not_in_sudoers" {
  table       = "linux_auth_log"
  title       = "sudo refused"
  description = <<-EOT
    A user without the right to it asked for a command as somebody else. A service account that does so has
    most likely been taken over.
  EOT
  severity       = "medium"
  tags           = ["attack.privilege_escalation", "attack.t1548.003"]
  falsepositives = ["Somebody who took the wrong host, or has not been given rights yet."]
  references     = ["https://attack.mitre.org/techniques/T1548/003/"]

  where = <<-EOT
    event_type = 'sudo_refused'
    and regexp_matches(message, '(?i): (user not in sudoers|command not allowed|user not allowed)')
  EOT

  message = "{user} may not run {command} as {target_user} on {host}"
}
