detection "aws_s3_bucket_made_public" {
  table       = "aws_cloudtrail_log"
  title       = "S3 bucket made public"
  description = <<-EOT
    The bucket's policy or access list now names everybody. Unless the public access block is on, anybody can
    read, or even write, what is in it.
  EOT
  severity       = "high"
  tags           = ["attack.exfiltration", "attack.t1530", "attack.t1537"]
  falsepositives = [
    "A bucket that serves a public website.",
    "A policy for everybody that a condition limits, for example to one network.",
  ]
  references = ["https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-overview.html"]

  where = <<-EOT
    event_name in ('PutBucketPolicy', 'PutBucketAcl')
    and event_source = 's3.amazonaws.com'
    and error_code is null
    and (
      (regexp_matches(request_parameters, '"Effect"\s*:\s*"Allow"')
        and regexp_matches(request_parameters, '"Principal"\s*:\s*("\*"|\{\s*"AWS"\s*:\s*\[?\s*"\*")'))
      or regexp_matches(request_parameters, 'groups/global/(AllUsers|AuthenticatedUsers)')
      or regexp_matches(request_parameters, '"x-amz-acl"\s*:\s*\[?\s*"(public-read|public-read-write|authenticated-read)"'))
  EOT

  message = "{user_identity.arn} called {event_name} on bucket {request_parameters.bucketName} and let everybody in"
}
