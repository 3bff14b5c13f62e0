detection "host_user_unlocked" {
  table       = "change"
  channel     = "host.linux_users.**"
  title       = "User who could not log in has a password"
  description = <<-EOT
    A password was locked, or there never was one, and now there is. For a service's user that means a login
    that nobody expects; for a person who has left, that somebody uses the name again.
  EOT
  severity       = "medium"
  tags           = ["attack.persistence", "attack.t1098", "attack.t1078.003"]
  falsepositives = ["Somebody who comes back, or a new user who has chosen a password."]
  references     = ["https://attack.mitre.org/techniques/T1098/"]

  where = <<-EOT
    path = '/password'
    and object_after->>'kind' = 'user'
    and before->>'$' in ('locked', 'none')
    and after->>'$' = 'set'
  EOT

  message = "user {object_after.name} ({object_after.uid}) can log in with a password; before it was {before}"
}
