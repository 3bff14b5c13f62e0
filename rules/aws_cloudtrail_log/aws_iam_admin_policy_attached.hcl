detection "aws_iam_admin_policy_attached" {
  table       = "aws_cloudtrail_log"
  title       = "Administrator policy attached"
  description = <<-EOT
    A user, group or role got AWS's policy AdministratorAccess, which allows everything. Attackers give it to
    what they control; people give it when they do not know which rights are needed.
  EOT
  severity       = "high"
  tags           = ["attack.privilege_escalation", "attack.persistence", "attack.t1098.003"]
  falsepositives = ["Setting up an account, or a new administrator."]
  references     = ["https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AdministratorAccess.html"]

  where = <<-EOT
    event_name in ('AttachUserPolicy', 'AttachRolePolicy', 'AttachGroupPolicy')
    and event_source = 'iam.amazonaws.com'
    and error_code is null
    and request_parameters->>'policyArn' like 'arn:aws%:iam::aws:policy/AdministratorAccess'
  EOT

  message = "{user_identity.arn} called {event_name} and made an administrator: {request_parameters}"
}
