detection "aws_s3_public_access_block_removed" {
  table       = "aws_cloudtrail_log"
  title       = "S3 public access block removed"
  description = <<-EOT
    The block keeps a bucket private whatever its policy and access lists say. Taking it away is the step
    before data becomes readable by everybody, by mistake or on purpose.
  EOT
  severity       = "high"
  tags           = ["attack.defense_evasion", "attack.exfiltration", "attack.t1562.007", "attack.t1530"]
  falsepositives = ["A bucket that serves a public website."]
  references     = ["https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"]

  where = <<-EOT
    event_name in ('DeleteBucketPublicAccessBlock', 'DeleteAccountPublicAccessBlock',
      'PutBucketPublicAccessBlock', 'PutAccountPublicAccessBlock')
    and event_source = 's3.amazonaws.com'
    and error_code is null
    and (event_name like 'Delete%'
      or regexp_matches(request_parameters, '"(RestrictPublicBuckets|BlockPublicPolicy|BlockPublicAcls|IgnorePublicAcls)"\s*:\s*false'))
  EOT

  message = "{user_identity.arn} called {event_name} on {request_parameters.bucketName} from {source_ip_address}"
}
