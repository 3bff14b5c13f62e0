detection "linux_user_added_to_admin_group" {
  table       = "linux_auth_log"
  title       = "User added to a group of administrators"
  description = <<-EOT
    Members of these groups can become root: by sudo, by containers, or by reading the disk. An attacker who
    has made or taken over a user gives it a group to come back with.
  EOT
  severity       = "high"
  tags           = ["attack.persistence", "attack.privilege_escalation", "attack.t1098.007"]
  falsepositives = ["A new administrator."]
  references     = ["https://attack.mitre.org/techniques/T1098/007/"]

  where = <<-EOT
    event_type = 'group_member_added'
    and regexp_matches(message, 'group ''?(sudo|wheel|admin|adm|root|docker|lxd|disk|shadow)''?$')
  EOT

  message = "{target_user} was added to a group of administrators on {host}: {message}"
}
