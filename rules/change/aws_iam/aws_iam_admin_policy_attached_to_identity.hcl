detection "aws_iam_admin_policy_attached_to_identity" {
  table       = "change"
  channel     = "aws.iam.**"
  title       = "Administrator policy attached"
  description = <<-EOT
    A user, group or role has got AdministratorAccess or IAMFullAccess. Either can do everything in the account,
    the second by giving itself what it lacks, so who has it is the list of those to trust.
  EOT
  severity       = "high"
  tags           = ["attack.privilege_escalation", "attack.persistence", "attack.t1098.003"]
  falsepositives = [
    "A new administrator or a role for deployments, if somebody ordered it.",
    "Roles of IAM Identity Center, whose names begin with AWSReservedSSO_.",
  ]
  references = [
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_job-functions.html",
    "https://attack.mitre.org/techniques/T1098/003/",
  ]

  where = <<-EOT
    operation in ('add', 'change')
    and (path = '' or path like '/AttachedManagedPolicies%')
    and object_after->>'kind' in ('user', 'group', 'role')
    and regexp_matches(after, '"PolicyArn":"arn:aws[a-z-]*:iam::aws:policy/(AdministratorAccess|IAMFullAccess)"')
  EOT

  message = "{object_after.kind} {object_after.id} of account {object_after.account} has all rights now, by an attached policy"
}
