detection "slack_admin_added" {
  table       = "change"
  channel     = "slack.workspace.**"
  title       = "New admin or owner of a Slack workspace"
  description = <<-EOT
    Admins add people and apps and see who is who; owners can export what was written. Who is about to read
    along makes an account that they hold one of them.
  EOT
  severity       = "high"
  tags           = ["attack.privilege_escalation", "attack.persistence", "attack.t1098"]
  falsepositives = ["A change of who is responsible."]
  references     = ["https://slack.com/help/articles/360018112273-Types-of-roles-in-Slack"]

  where = <<-EOT
    object_after->>'kind' = 'user'
    and (
      (path in ('', '/is_admin')
        and object_after->>'is_admin' = 'true' and coalesce(object_before->>'is_admin', 'false') = 'false')
      or (path = '/is_owner' and after->>'$' = 'true'))
  EOT

  message = "{object_after.name} ({object_after.real_name}) is an admin of the workspace {object_after.team_id}; owner: {object_after.is_owner}"
}
