detection "aws_iam_inline_policy_allows_everything" {
  table       = "aws_cloudtrail_log"
  title       = "Inline policy allows everything"
  description = <<-EOT
    An inline policy with all actions on all resources makes an administrator without the name of the known
    policy, and does not show in lists of attached policies.
  EOT
  severity       = "high"
  tags           = ["attack.privilege_escalation", "attack.persistence", "attack.t1098.003"]
  falsepositives = ["None that should not be looked at: a managed policy serves the same end and can be seen."]
  references     = ["https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html"]

  where = <<-EOT
    event_name in ('PutUserPolicy', 'PutRolePolicy', 'PutGroupPolicy')
    and event_source = 'iam.amazonaws.com'
    and error_code is null
    and regexp_matches(request_parameters->>'policyDocument', '"Effect"\s*:\s*"Allow"')
    and regexp_matches(request_parameters->>'policyDocument', '"Action"\s*:\s*\[?\s*"\*(:\*)?"')
    and regexp_matches(request_parameters->>'policyDocument', '"Resource"\s*:\s*\[?\s*"\*"')
  EOT

  message = "{user_identity.arn} called {event_name}: policy {request_parameters.policyName} allows everything"
}
