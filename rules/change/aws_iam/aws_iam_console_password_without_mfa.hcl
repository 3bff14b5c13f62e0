detection "aws_iam_console_password_without_mfa" {
  table       = "change"
  channel     = "aws.iam.**"
  title       = "Console password without a second factor"
  description = <<-EOT
    The user can sign in to the console with a password alone. One that is guessed, reused or given away in a
    phishing mail is all that it takes.
  EOT
  severity       = "medium"
  tags           = ["attack.initial_access", "attack.t1078.004"]
  falsepositives = ["A new user who has not set up the second factor yet: it should not stay so."]
  references     = ["https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa.html"]

  where = <<-EOT
    (path = '' or path like '/LoginProfile%')
    and operation = 'add'
    and object_after->>'kind' = 'user'
    and object_after->>'LoginProfile' is not null
    and object_after->>'MFADevices' = '[]'
  EOT

  message = "user {object_after.UserName} of account {object_after.account} has a console password and no second factor"
}
