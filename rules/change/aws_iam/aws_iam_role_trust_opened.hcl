detection "aws_iam_role_trust_opened" {
  table       = "change"
  channel     = "aws.iam.**"
  title       = "Role can be assumed by another account"
  description = <<-EOT
    The role's trust policy lets in another account, or everybody. From there the role can be assumed without a
    credential of this account, so it is a back door that no list of users or keys shows.
  EOT
  severity       = "high"
  tags           = ["attack.persistence", "attack.privilege_escalation", "attack.t1098.003", "attack.t1199"]
  falsepositives = ["A service provider or another account of the organisation, with an external id or a condition."]
  references     = [
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-user_externalid.html",
    "https://attack.mitre.org/techniques/T1199/",
  ]

  where = <<-EOT
    operation <> 'remove'
    and (path = '' or path like '/AssumeRolePolicyDocument%')
    and object_after->>'kind' = 'role'
    and (
      (regexp_matches(object_after->>'AssumeRolePolicyDocument', '"Principal":("\*"|\{"AWS":(\[[^\]]*)?"\*")')
        and not coalesce(
          regexp_matches(object_before->>'AssumeRolePolicyDocument', '"Principal":("\*"|\{"AWS":(\[[^\]]*)?"\*")'), false))
      or (regexp_matches(replace(object_after->>'AssumeRolePolicyDocument', object_after->>'account', ''),
            '"Principal":\{"AWS":(\[[^\]]*)?"([^"]*:)?[0-9]{12}[:"]')
        and regexp_matches(replace(after, object_after->>'account', ''), '[0-9]{12}')))
  EOT

  message = "role {object_after.RoleName} of account {object_after.account} can be assumed from outside: {object_after.AssumeRolePolicyDocument}"
}
