detection "aws_kms_key_deletion_scheduled" {
  table       = "aws_cloudtrail_log"
  title       = "KMS key disabled or scheduled for deletion"
  description = <<-EOT
    What a key has encrypted cannot be read without it, and after the waiting period nothing brings it back:
    a way to destroy data without touching it, also for ransom.
  EOT
  severity       = "high"
  tags           = ["attack.impact", "attack.t1485", "attack.t1486"]
  falsepositives = ["Keys that are retired after what they encrypted is gone."]
  references     = ["https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html"]

  where = <<-EOT
    event_name in ('ScheduleKeyDeletion', 'DisableKey')
    and event_source = 'kms.amazonaws.com'
    and error_code is null
  EOT

  message = "{user_identity.arn} called {event_name} on {request_parameters.keyId} from {source_ip_address}"
}
