detection "aws_iam_mfa_removed" {
  table       = "change"
  channel     = "aws.iam.**"
  title       = "Last MFA device of a user removed"
  description = <<-EOT
    From now on the password or an access key is enough. Whoever took over a session removes the second factor
    first, so that they can sign in by themselves.
  EOT
  severity       = "high"
  tags           = ["attack.persistence", "attack.defense_evasion", "attack.t1556.006"]
  falsepositives = ["A lost phone, until the new one is set up."]
  references     = [
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_disable.html",
    "https://attack.mitre.org/techniques/T1556/006/",
  ]

  where = <<-EOT
    operation = 'remove'
    and path like '/MFADevices/%'
    and object_after->>'kind' = 'user'
    and object_after->>'MFADevices' = '[]'
  EOT

  message = "user {object_after.UserName} of account {object_after.account} has no second factor any more, without {before.SerialNumber}"
}
