detection "host_user_added" {
  table       = "change"
  channel     = "host.linux_users.**"
  title       = "User added to a host"
  description = <<-EOT
    A user of its own on a single host is a way to come back that passes by the directory. Packages add users as
    well, with low numbers and without a shell that lets anybody in.
  EOT
  severity       = "medium"
  tags           = ["attack.persistence", "attack.t1136.001"]
  falsepositives = ["A service that is being installed, or a new colleague where hosts have users of their own."]
  references     = ["https://attack.mitre.org/techniques/T1136/001/"]

  where = <<-EOT
    operation = 'add' and path = ''
    and object_after->>'kind' = 'user'
  EOT

  message = "user {object_after.name} ({object_after.uid}) is new, with the shell {object_after.shell} and the groups {object_after.groups}"
}
