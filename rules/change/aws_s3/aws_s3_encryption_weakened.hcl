detection "aws_s3_encryption_weakened" {
  table       = "change"
  channel     = "aws.s3.**"
  title       = "Bucket does not encrypt with a key of yours any more"
  description = <<-EOT
    New objects are encrypted with a key that S3 keeps itself, so the policy of your own key guards them no
    longer: whoever may read the bucket reads them, and no use of the key is logged.
  EOT
  severity       = "low"
  tags           = ["attack.defense_evasion", "attack.t1600"]
  falsepositives = ["Costs of KMS that somebody saves."]
  references     = ["https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html"]

  where = <<-EOT
    path like '/ServerSideEncryptionConfiguration%'
    and object_after->>'kind' = 'bucket'
    and regexp_matches(object_before->>'ServerSideEncryptionConfiguration', '"SSEAlgorithm":"aws:kms')
    and not coalesce(
      regexp_matches(object_after->>'ServerSideEncryptionConfiguration', '"SSEAlgorithm":"aws:kms'), false)
  EOT

  message = "bucket {object_after.Name} of account {object_after.account} encrypts with {object_after.ServerSideEncryptionConfiguration}"
}
