detection "aws_s3_bucket_public" {
  table       = "change"
  channel     = "aws.s3.**"
  title       = "Bucket is public"
  description = <<-EOT
    Everybody can read what is in the bucket, or even write to it: its policy or its access list names
    everybody, and no public access block stands before them. S3 itself says so of the policy. Buckets are
    looked for by name all day.
  EOT
  severity       = "high"
  tags           = ["attack.collection", "attack.exfiltration", "attack.t1530"]
  falsepositives = ["A bucket that serves a public website."]
  references     = [
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status",
    "https://attack.mitre.org/techniques/T1530/",
  ]

  where = <<-EOT
    (path = '' or path like '/PolicyStatus%' or path like '/Grants%' or path like '/PublicAccessBlockConfiguration%')
    and object_after->>'kind' = 'bucket'
    and (
      (object_after->'PolicyStatus'->>'IsPublic' = 'true'
        and coalesce(object_before->'PolicyStatus'->>'IsPublic', 'false') = 'false')
      or (regexp_matches(object_after->>'Grants', 'groups/global/(AllUsers|AuthenticatedUsers)')
        and coalesce(object_after->'PublicAccessBlockConfiguration'->>'IgnorePublicAcls', 'false') = 'false'
        and (not coalesce(regexp_matches(object_before->>'Grants', 'groups/global/(AllUsers|AuthenticatedUsers)'), false)
          or coalesce(object_before->'PublicAccessBlockConfiguration'->>'IgnorePublicAcls', 'false') = 'true')))
  EOT

  message = "bucket {object_after.Name} of account {object_after.account} is open to everybody: {path_text}"
}
