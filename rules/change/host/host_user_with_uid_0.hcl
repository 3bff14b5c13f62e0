detection "host_user_with_uid_0" {
  table       = "change"
  channel     = "host.linux_users.**"
  title       = "Another user has the rights of root"
  description = <<-EOT
    A user with number 0 is root by another name: a back door that lists of administrators do not show, and that
    works with a password of its own.
  EOT
  severity       = "critical"
  tags           = ["attack.persistence", "attack.privilege_escalation", "attack.t1136.001", "attack.t1078.003"]
  falsepositives = ["Some appliances have a second root of their maker's."]
  references     = ["https://attack.mitre.org/techniques/T1136/001/"]

  where = <<-EOT
    path in ('', '/uid')
    and object_after->>'kind' = 'user'
    and object_after->>'uid' = '0'
    and object_after->>'name' <> 'root'
    and coalesce(object_before->>'uid', '') <> '0'
  EOT

  message = "user {object_after.name} is root by another name, with the shell {object_after.shell}"
}
