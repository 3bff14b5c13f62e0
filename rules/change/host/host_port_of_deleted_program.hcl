detection "host_port_of_deleted_program" {
  table       = "change"
  channel     = "host.listening_ports.**"
  title       = "Port is held by a program whose file is gone"
  description = <<-EOT
    The program runs and listens, and its file is not there any more. Who hides deletes the file after the
    start, so that nobody finds it; an upgrade does the same until the service is started anew.
  EOT
  severity       = "high"
  tags           = ["attack.defense_evasion", "attack.t1070.004"]
  falsepositives = ["An upgrade, until the service is started anew."]
  references     = ["https://attack.mitre.org/techniques/T1070/004/"]

  where = <<-EOT
    operation in ('add', 'change')
    and regexp_matches(object_after->>'programs', '"deleted":true')
    and (path = '' or path like '/programs%')
    and not coalesce(regexp_matches(object_before->>'programs', '"deleted":true'), false)
  EOT

  message = "{key} is held by a program whose file is gone: {object_after.programs}"
}
