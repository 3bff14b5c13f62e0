detection "linux_user_added_with_uid_0" {
  table       = "linux_auth_log"
  title       = "User with the rights of root added"
  description = <<-EOT
    A user with number 0 is root by another name: a back door that lists of administrators do not show.
  EOT
  severity       = "critical"
  tags           = ["attack.persistence", "attack.privilege_escalation", "attack.t1136.001"]
  falsepositives = ["Some appliances have a second root of their maker's."]
  references     = ["https://attack.mitre.org/techniques/T1136/001/"]

  where = <<-EOT
    event_type = 'user_added'
    and regexp_matches(message, ', UID=0,')
  EOT

  message = "{target_user} was added on {host} with the rights of root"
}
