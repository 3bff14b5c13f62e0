detection "github_webhook_added" {
  table       = "change"
  channel     = "github.organisation.**"
  title       = "Webhook tells another place of what happens on GitHub"
  description = <<-EOT
    Events of the repository or the organisation are sent to this address: commits, comments, and with some
    events secrets in them. It keeps going when the account that added it is gone.
  EOT
  severity       = "medium"
  tags           = ["attack.exfiltration", "attack.t1567.004"]
  falsepositives = ["A new integration: chat, a pipeline, a tracker."]
  references     = [
    "https://docs.github.com/en/webhooks/about-webhooks",
    "https://attack.mitre.org/techniques/T1567/004/",
  ]

  where = <<-EOT
    object_after->>'kind' = 'webhook'
    and ((operation = 'add' and path = '') or path = '/url')
  EOT

  message = "events {object_after.events} of {object_after.organisation}/{object_after.repository} are sent to {object_after.url}"
}
