detection "aws_iam_root_mfa_removed" {
  table       = "change"
  channel     = "aws.iam.**"
  title       = "Root user has no second factor any more"
  description = <<-EOT
    A password alone opens the account to its root user, whom no policy limits. Taking the second factor away is
    what somebody does who has the password and wants to keep the account.
  EOT
  severity       = "critical"
  tags           = ["attack.persistence", "attack.defense_evasion", "attack.t1556.006"]
  falsepositives = ["A device that is being replaced: the new one should follow within the hour."]
  references     = [
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html",
    "https://attack.mitre.org/techniques/T1556/006/",
  ]

  where = <<-EOT
    path = '/AccountMFAEnabled'
    and after->>'$' = '0'
  EOT

  message = "the root user of account {object_after.account} signs in without a second factor"
}
