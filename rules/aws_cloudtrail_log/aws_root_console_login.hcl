detection "aws_root_console_login" {
  table       = "aws_cloudtrail_log"
  title       = "Root user signed in to the AWS console"
  description = <<-EOT
    The root user can do everything in the account, its permissions cannot be limited, and daily work never
    needs it. A sign-in means either one of the few tasks that only root can do, or that somebody else has
    the account's main password.
  EOT
  severity       = "high"
  tags           = ["attack.initial_access", "attack.t1078.004"]
  falsepositives = ["Tasks that only root can do, such as changing the support plan or closing the account."]
  references     = ["https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html"]

  where = <<-EOT
    event_name = 'ConsoleLogin'
    and user_identity.type = 'Root'
    and response_elements->>'ConsoleLogin' = 'Success'
  EOT

  message = "root of account {recipient_account_id} signed in from {source_ip_address}"
}
