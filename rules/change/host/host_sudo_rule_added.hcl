detection "host_sudo_rule_added" {
  table       = "change"
  channel     = "host.linux_users.**"
  title       = "sudo lets somebody do more"
  description = <<-EOT
    The user can run more commands as another user, most often as root. Whoever is root for a moment writes such
    a line, so that they can be it again at any time.
  EOT
  severity       = "high"
  tags           = ["attack.privilege_escalation", "attack.persistence", "attack.t1548.003"]
  falsepositives = ["A new administrator, or a rule of a configuration management system."]
  references     = ["https://attack.mitre.org/techniques/T1548/003/", "https://www.sudo.ws/docs/man/sudoers.man/"]

  where = <<-EOT
    operation in ('add', 'change')
    and (
      (object_after->>'kind' = 'sudo_rule' and path = '')
      or (object_after->>'kind' = 'user'
        and ((path = '' and object_after->>'sudo' <> '[]') or (path = '/sudo' and after <> '[]') or path like '/sudo/%')))
  EOT

  message = "{key} can do more with sudo"
}
