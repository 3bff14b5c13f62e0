detection "linux_sudo_root_shell" {
  table       = "linux_auth_log"
  title       = "Shell opened as root with sudo"
  description = <<-EOT
    From here on no command is logged: sudo writes down that a shell was started, and not what is done in it.
  EOT
  severity       = "medium"
  tags           = ["attack.privilege_escalation", "attack.t1548.003"]
  falsepositives = ["Administrators who are used to it."]
  references     = ["https://attack.mitre.org/techniques/T1548/003/"]

  where = <<-EOT
    event_type = 'sudo_command'
    and target_user = 'root'
    and regexp_matches(command, '^(/\w+)*/(sh|bash|dash|zsh|ksh|fish|csh|tcsh|su)( -[a-z-]*)*( root)?$')
  EOT

  message = "{user} opened a root shell on {host}: {command} in {working_directory}"
}
