detection "github_outside_collaborator_added" {
  table       = "change"
  channel     = "github.organisation.**"
  title       = "Outside collaborator in a GitHub organisation"
  description = <<-EOT
    Somebody who is no member has got access to repositories. The rules for members, such as single sign-on, do
    not hold for them, and nobody removes them when they leave where they work.
  EOT
  severity       = "medium"
  tags           = ["attack.persistence", "attack.initial_access", "attack.t1199", "attack.t1136.003"]
  falsepositives = ["A contractor, if somebody ordered it."]
  references     = [
    "https://docs.github.com/en/organizations/managing-user-access-to-your-organizations-repositories/managing-outside-collaborators",
  ]

  where = <<-EOT
    operation = 'add' and path = ''
    and object_after->>'kind' = 'outside_collaborator'
  EOT

  message = "{object_after.login}, who is no member of {object_after.organisation}, has access to repositories"
}
