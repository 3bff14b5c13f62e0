detection "aws_root_access_key_created" {
  table       = "aws_cloudtrail_log"
  title       = "Access key created for the root user"
  description = <<-EOT
    A key of the root user can do everything in the account, from anywhere, without a second factor, until
    somebody deletes it. There is no task that needs one.
  EOT
  severity       = "critical"
  tags           = ["attack.persistence", "attack.t1098.001"]
  falsepositives = ["None known."]
  references     = ["https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user_manage_add-key.html"]

  where = <<-EOT
    event_name = 'CreateAccessKey'
    and event_source = 'iam.amazonaws.com'
    and error_code is null
    and user_identity.type = 'Root'
    and request_parameters->>'userName' is null
  EOT

  message = "root of account {recipient_account_id} created an access key for itself from {source_ip_address}"
}
