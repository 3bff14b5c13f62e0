detection "host_file_writable_by_everybody" {
  table       = "change"
  channel     = "host.file_integrity.**"
  title       = "Everybody may write to a file of the system"
  description = <<-EOT
    Any user, and any service that was taken over, can change the file. If it is run or read by root, that makes
    them root.
  EOT
  severity       = "high"
  tags           = ["attack.privilege_escalation", "attack.defense_evasion", "attack.t1222.002"]
  falsepositives = ["None in /etc or where programs are."]
  references     = ["https://attack.mitre.org/techniques/T1222/002/"]

  where = <<-EOT
    operation in ('add', 'change')
    and path in ('', '/mode')
    and object_after->>'kind' in ('file', 'folder')
    and regexp_matches(key, '^/(etc|usr|bin|sbin|lib|boot|root)(/|$)')
    and regexp_matches(object_after->>'mode', '^0?[0-7]{2}[2367]$')
    and not coalesce(regexp_matches(object_before->>'mode', '^0?[0-7]{2}[2367]$'), false)
  EOT

  message = "everybody may write to {key}: mode {object_after.mode}"
}
