detection "slack_channel_opened" {
  table       = "change"
  channel     = "slack.workspace.**"
  title       = "Slack channel opened to more people"
  description = <<-EOT
    What was written in the channel can be read by everybody in the workspace now, or by another organisation:
    also what was written before, in the belief that few would read it.
  EOT
  severity       = "medium"
  tags           = ["attack.collection", "attack.exfiltration", "attack.t1213.005"]
  falsepositives = ["A project that is announced, or a partner whom somebody has invited."]
  references     = [
    "https://slack.com/help/articles/115004151203-Slack-Connect--work-with-other-companies",
    "https://attack.mitre.org/techniques/T1213/005/",
  ]

  where = <<-EOT
    object_after->>'kind' = 'channel'
    and (
      (path = '/is_private' and after->>'$' = 'false')
      or (path in ('', '/is_ext_shared')
        and object_after->>'is_ext_shared' = 'true' and coalesce(object_before->>'is_ext_shared', 'false') = 'false'))
  EOT

  message = "channel {object_after.name} is open to more people: private {object_after.is_private}, shared with {object_after.shared_team_ids}"
}
