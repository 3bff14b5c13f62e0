# What Sigma rules call the logs of Amazon Web Services.
logsource "aws_cloudtrail" {
  product = "aws"
  table   = "aws_cloudtrail_log"

  service "cloudtrail" {}
}
