detection "aws_ec2_metadata_without_token" {
  table       = "change"
  channel     = "aws.ec2.**"
  title       = "Instance metadata without a token"
  description = <<-EOT
    The instance gives its role's credentials to whoever makes it fetch a URL. With tokens (IMDSv2) a server
    that can be talked into fetching one is not enough; the large theft of data from AWS in 2019 began so.
  EOT
  severity       = "medium"
  tags           = ["attack.credential_access", "attack.t1552.005"]
  falsepositives = ["Old software that knows no tokens."]
  references     = [
    "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html",
    "https://attack.mitre.org/techniques/T1552/005/",
  ]

  where = <<-EOT
    (path = '' or path like '/MetadataOptions%')
    and object_after->>'kind' = 'instance'
    and object_after->'MetadataOptions'->>'HttpTokens' = 'optional'
    and object_after->'MetadataOptions'->>'HttpEndpoint' = 'enabled'
    and coalesce(object_before->'MetadataOptions'->>'HttpTokens', '') <> 'optional'
  EOT

  message = "instance {object_after.id} ({object_after.region}, {object_after.account}) gives credentials without a token, at {object_after.PublicIpAddress}"
}
