detection "host_system_program_changed" {
  table       = "change"
  channel     = "host.file_integrity.**"
  title       = "Program of the system was changed"
  description = <<-EOT
    The contents of a program of the system are others. Replacing one that is started all the time, such as sshd
    or ls, keeps somebody in and hides them.
  EOT
  severity       = "medium"
  tags           = ["attack.persistence", "attack.defense_evasion", "attack.t1554"]
  falsepositives = ["An upgrade: then packages changed at the same time."]
  references     = ["https://attack.mitre.org/techniques/T1554/"]

  where = <<-EOT
    operation = 'change'
    and path in ('/sha256', '/target')
    and regexp_matches(key, '^/(usr/(local/)?)?(s?bin|lib/systemd|libexec)/')
  EOT

  message = "{key} has other contents or leads elsewhere: {before} became {after}"
}
