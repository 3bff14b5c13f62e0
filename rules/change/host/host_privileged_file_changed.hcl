detection "host_privileged_file_changed" {
  table       = "change"
  channel     = "host.suid_files.**"
  title       = "Program with the rights of root was replaced"
  description = <<-EOT
    The contents of a setuid program are others. Whoever starts it runs what is in it as root, so a changed one
    is a back door in a place where everybody expects a program.
  EOT
  severity       = "medium"
  tags           = ["attack.persistence", "attack.privilege_escalation", "attack.t1554"]
  falsepositives = ["An upgrade of its package: the change should be at the time of one."]
  references     = ["https://attack.mitre.org/techniques/T1554/"]

  where = <<-EOT
    operation = 'change' and path = '/sha256'
    and object_after->>'setuid' = 'true'
  EOT

  message = "{object_after.path}, which runs as {object_after.owner}, has other contents: {after}"
}
