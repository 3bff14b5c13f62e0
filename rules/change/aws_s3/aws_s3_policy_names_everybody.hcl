detection "aws_s3_policy_names_everybody" {
  table       = "change"
  channel     = "aws.s3.**"
  title       = "Bucket policy lets in everybody"
  description = <<-EOT
    A statement of the bucket's policy allows something to everybody, without a condition. Unless the public
    access block is on, anybody can do it; and once that is switched off, nobody has to change the policy any
    more.
  EOT
  severity       = "high"
  tags           = ["attack.collection", "attack.exfiltration", "attack.t1530"]
  falsepositives = ["A bucket that serves a public website."]
  references     = [
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html",
    "https://attack.mitre.org/techniques/T1530/",
  ]

  where = <<-EOT
    (path in ('', '/Policy') or path like '/Policy/%')
    and object_after->>'kind' = 'bucket'
    and regexp_matches(object_after->>'Policy',
      '\{"Action":[^{}]*"Effect":"Allow"[^{}]*"Principal":("\*"|\{"AWS":(\[[^\]]*)?"\*")')
    and not coalesce(regexp_matches(object_before->>'Policy',
      '\{"Action":[^{}]*"Effect":"Allow"[^{}]*"Principal":("\*"|\{"AWS":(\[[^\]]*)?"\*")'), false)
  EOT

  message = "the policy of bucket {object_after.Name} (account {object_after.account}) lets in everybody: {object_after.Policy}"
}
