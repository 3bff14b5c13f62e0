detection "aws_iam_policy_allows_everything" {
  table       = "change"
  channel     = "aws.iam.**"
  title       = "Policy allows everything"
  description = <<-EOT
    A policy of the account's own, or one inside a user, group or role, now allows all actions on all resources
    without a condition. It makes an administrator without the name of the known policy, and does not show where
    attached policies are listed.
  EOT
  severity       = "high"
  tags           = ["attack.privilege_escalation", "attack.persistence", "attack.t1098.003"]
  falsepositives = [
    "None that should not be looked at: AdministratorAccess serves the same end and can be seen.",
    "A permissions boundary, which gives nothing by itself.",
  ]
  references = [
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html",
    "https://attack.mitre.org/techniques/T1098/003/",
  ]

  where = <<-EOT
    (path = '' or path like '/%PolicyList%' or path like '/PolicyDocument%')
    and object_after->>'kind' in ('user', 'group', 'role', 'policy')
    and regexp_matches(object_after, '\{"Action":\[?"\*(:\*)?"[^{}]*"Effect":"Allow"[^{}]*"Resource":\[?"\*"')
    and not coalesce(
      regexp_matches(object_before, '\{"Action":\[?"\*(:\*)?"[^{}]*"Effect":"Allow"[^{}]*"Resource":\[?"\*"'), false)
  EOT

  message = "{object_after.kind} {object_after.id} of account {object_after.account} has a policy that allows everything: {path_text}"
}
