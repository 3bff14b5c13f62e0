detection "aws_s3_public_access_block_off" {
  table       = "change"
  channel     = "aws.s3.**"
  title       = "Public access block of a bucket or account taken away"
  description = <<-EOT
    The block keeps buckets private whatever their policies and access lists say, that of the account all of
    them. Taking it away is the step before data can be read by everybody, by mistake or on purpose.
  EOT
  severity       = "high"
  tags           = ["attack.defense_evasion", "attack.exfiltration", "attack.t1562.007", "attack.t1530"]
  falsepositives = ["A bucket that serves a public website."]
  references     = ["https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"]

  where = <<-EOT
    object_after->>'kind' in ('bucket', 'account')
    and (
      (operation = 'remove' and path = '/PublicAccessBlockConfiguration')
      or (operation = 'change' and path like '/PublicAccessBlockConfiguration/%' and after->>'$' = 'false'))
  EOT

  message = "{object_after.kind} {object_after.id} has no full public access block any more: {path_text}"
}
