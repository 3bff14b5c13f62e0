detection "slack_app_added" {
  table       = "change"
  channel     = "slack.workspace.**"
  title       = "App added to Slack, or allowed more"
  description = <<-EOT
    The app acts with the scopes that it was given, for as long as it is there: it may read channels, files and
    who is who. Making somebody allow an app is phishing that needs no password.
  EOT
  severity       = "medium"
  tags           = ["attack.persistence", "attack.credential_access", "attack.t1671", "attack.t1528"]
  falsepositives = ["An app that somebody has approved."]
  references     = [
    "https://slack.com/help/articles/222386767-Manage-app-approval-for-your-workspace",
    "https://attack.mitre.org/techniques/T1671/",
  ]

  where = <<-EOT
    operation = 'add'
    and object_after->>'kind' = 'integration'
    and (path = '' or path like '/scopes/%')
  EOT

  message = "{object_after.user_name} let the app {object_after.name} into Slack, with the scopes {object_after.scopes}"
}
