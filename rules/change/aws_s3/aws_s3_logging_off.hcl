detection "aws_s3_logging_off" {
  table       = "change"
  channel     = "aws.s3.**"
  title       = "Access log of a bucket switched off"
  description = <<-EOT
    Nobody can say any more who read or deleted what in the bucket. Whoever is about to take data out, or has
    done so, makes sure of that.
  EOT
  severity       = "medium"
  tags           = ["attack.defense_evasion", "attack.t1562.008"]
  falsepositives = ["Data events of CloudTrail that take its place."]
  references     = [
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html",
    "https://attack.mitre.org/techniques/T1562/008/",
  ]

  where = <<-EOT
    operation = 'remove' and path = '/LoggingEnabled'
    and object_after->>'kind' = 'bucket'
  EOT

  message = "bucket {object_after.Name} of account {object_after.account} does not log who reads it any more"
}
