detection "host_user_without_password" {
  table       = "change"
  channel     = "host.linux_users.**"
  title       = "User gets in without a password"
  description = <<-EOT
    The password of the user is empty, so anybody logs in as them wherever passwords are asked for. It is what
    remains of an edit of /etc/shadow by hand.
  EOT
  severity       = "critical"
  tags           = ["attack.persistence", "attack.initial_access", "attack.t1078.003", "attack.t1098"]
  falsepositives = ["None."]
  references     = ["https://attack.mitre.org/techniques/T1078/003/"]

  where = <<-EOT
    path in ('', '/password')
    and object_after->>'kind' = 'user'
    and object_after->>'password' = 'empty'
    and coalesce(object_before->>'password', '') <> 'empty'
  EOT

  message = "user {object_after.name} ({object_after.uid}) gets in without a password"
}
