detection "github_owner_added" {
  table       = "change"
  channel     = "github.organisation.**"
  title       = "New owner of a GitHub organisation"
  description = <<-EOT
    An owner can read and change everything in the organisation: code, secrets of pipelines, who is a member,
    whether there is a log of it. There should be two or three, and each of them known.
  EOT
  severity       = "high"
  tags           = ["attack.privilege_escalation", "attack.persistence", "attack.t1098"]
  falsepositives = ["A change of who is responsible."]
  references     = [
    "https://docs.github.com/en/organizations/managing-peoples-access-to-your-organization-with-roles/roles-in-an-organization",
  ]

  where = <<-EOT
    path in ('', '/role')
    and object_after->>'kind' = 'member'
    and object_after->>'role' = 'admin'
    and coalesce(object_before->>'role', '') <> 'admin'
  EOT

  message = "{object_after.login} is an owner of the organisation {object_after.organisation}"
}
