detection "aws_s3_versioning_suspended" {
  table       = "change"
  channel     = "aws.s3.**"
  title       = "Versions of a bucket are not kept any more"
  description = <<-EOT
    What is overwritten or deleted from now on is gone. Ransom in the cloud begins so: versions are switched
    off, everything is written anew with another key, and nothing is left to restore.
  EOT
  severity       = "medium"
  tags           = ["attack.impact", "attack.t1490", "attack.t1485"]
  falsepositives = ["A bucket whose data can be made again at any time."]
  references     = [
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html",
    "https://attack.mitre.org/techniques/T1490/",
  ]

  where = <<-EOT
    object_after->>'kind' = 'bucket'
    and object_before->'Versioning'->>'Status' = 'Enabled'
    and path like '/Versioning%'
    and coalesce(object_after->'Versioning'->>'Status', 'Suspended') = 'Suspended'
  EOT

  message = "bucket {object_after.Name} of account {object_after.account} does not keep versions any more"
}
