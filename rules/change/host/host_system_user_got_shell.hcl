detection "host_system_user_got_shell" {
  table       = "change"
  channel     = "host.linux_users.**"
  title       = "System user can log in"
  description = <<-EOT
    Users of services have a shell that lets nobody in. With a real one, somebody can log in as the service,
    where no person is expected and nobody looks.
  EOT
  severity       = "high"
  tags           = ["attack.persistence", "attack.t1078.003", "attack.t1098"]
  falsepositives = ["Software that wants a shell for its user, such as databases and Git servers."]
  references     = ["https://attack.mitre.org/techniques/T1078/003/"]

  where = <<-EOT
    path = '/shell'
    and object_after->>'kind' = 'user'
    and try_cast(object_after->>'uid' as integer) < 1000
    and regexp_matches(before->>'$', '/(nologin|false|sync|halt|shutdown)$')
    and not regexp_matches(after->>'$', '/(nologin|false|sync|halt|shutdown)$')
  EOT

  message = "system user {object_after.name} has the shell {after}, it was {before}"
}
