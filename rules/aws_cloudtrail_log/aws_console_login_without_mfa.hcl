detection "aws_console_login_without_mfa" {
  table       = "aws_cloudtrail_log"
  title       = "AWS console sign-in without a second factor"
  description = <<-EOT
    A password alone was enough to sign in. Whoever guesses, buys or phishes it has all rights of the user.
    Sign-ins through an identity provider are left out, since their second factor is asked for there.
  EOT
  severity       = "medium"
  tags           = ["attack.initial_access", "attack.t1078.004"]
  falsepositives = ["A new user who has not set up a second factor yet."]
  references     = ["https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa.html"]

  where = <<-EOT
    event_name = 'ConsoleLogin'
    and user_identity.type in ('IAMUser', 'Root')
    and response_elements->>'ConsoleLogin' = 'Success'
    and additional_event_data->>'MFAUsed' = 'No'
  EOT

  message = "{user_identity.arn} signed in from {source_ip_address} with a password alone"
}
