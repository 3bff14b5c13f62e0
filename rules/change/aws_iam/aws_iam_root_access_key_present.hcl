detection "aws_iam_root_access_key_present" {
  table       = "change"
  channel     = "aws.iam.**"
  title       = "Root user has an access key"
  description = <<-EOT
    An access key of the root user can do everything in the account, cannot be limited by any policy, and asks
    for no second factor. AWS's advice is that there is none.
  EOT
  severity       = "critical"
  tags           = ["attack.persistence", "attack.privilege_escalation", "attack.t1098.001"]
  falsepositives = ["None."]
  references     = ["https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html"]

  where = <<-EOT
    path = '/AccountAccessKeysPresent'
    and try_cast(after->>'$' as integer) > coalesce(try_cast(before->>'$' as integer), 0)
  EOT

  message = "the root user of account {object_after.account} has an access key"
}
