detection "aws_access_key_created_for_other_user" {
  table       = "aws_cloudtrail_log"
  title       = "Access key created for another user"
  description = <<-EOT
    A long-lived key for somebody else's user is a quiet way to keep access, or to get rights that one's own
    user lacks.
  EOT
  severity       = "medium"
  tags           = ["attack.persistence", "attack.privilege_escalation", "attack.t1098.001"]
  falsepositives = ["Administrators or automation that hand out keys."]
  references     = ["https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html"]

  where = <<-EOT
    event_name = 'CreateAccessKey'
    and event_source = 'iam.amazonaws.com'
    and error_code is null
    and request_parameters->>'userName' is not null
    and request_parameters->>'userName' is distinct from user_identity.user_name
  EOT

  message = "{user_identity.arn} created an access key for {request_parameters.userName} from {source_ip_address}"
}
