detection "slack_guest_added" {
  table       = "change"
  channel     = "slack.workspace.**"
  title       = "Guest in a Slack workspace"
  description = <<-EOT
    Somebody from outside reads along in the channels that they were invited to, and sees the profiles of all.
    Guests are seldom removed when the work is done.
  EOT
  severity       = "low"
  tags           = ["attack.initial_access", "attack.t1199", "attack.t1136.003"]
  falsepositives = ["A partner or contractor, if somebody ordered it."]
  references     = ["https://slack.com/help/articles/202518103-Understand-guest-roles-in-Slack"]

  where = <<-EOT
    path in ('', '/is_restricted')
    and object_after->>'kind' = 'user'
    and object_after->>'is_restricted' = 'true'
    and object_after->>'deleted' = 'false'
    and coalesce(object_before->>'is_restricted', 'false') = 'false'
  EOT

  message = "{object_after.name} ({object_after.real_name}) is a guest in the workspace {object_after.team_id}"
}
