detection "aws_iam_password_policy_weakened" {
  table       = "change"
  channel     = "aws.iam.**"
  title       = "Password policy weakened"
  description = <<-EOT
    Shorter or simpler passwords, or ones that may be used again, are allowed from now on. It makes guessing
    easier for all users of the account at once, and is seldom changed for another reason.
  EOT
  severity       = "medium"
  tags           = ["attack.credential_access", "attack.defense_evasion", "attack.t1556"]
  falsepositives = ["A policy that asks for longer passwords and drops rules about their letters, as NIST advises."]
  references     = ["https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html"]

  where = <<-EOT
    object_before->>'kind' = 'password_policy'
    and (
      (operation = 'remove' and path in ('', '/MinimumPasswordLength', '/PasswordReusePrevention'))
      or (path like '/Require%' and after->>'$' = 'false')
      or (path in ('/MinimumPasswordLength', '/PasswordReusePrevention')
        and try_cast(after->>'$' as integer) < try_cast(before->>'$' as integer)))
  EOT

  message = "the password policy of account {object_before.account} is weaker: {path_text} was {before}, is {after}"
}
