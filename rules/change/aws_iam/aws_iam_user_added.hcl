detection "aws_iam_user_added" {
  table       = "change"
  channel     = "aws.iam.**"
  title       = "IAM user added"
  description = <<-EOT
    A user of its own has credentials that last until somebody takes them away. Where people come through a
    directory, a new one is either an exception that somebody can name, or a way to come back.
  EOT
  severity       = "medium"
  tags           = ["attack.persistence", "attack.t1136.003"]
  falsepositives = ["A new colleague or service, where users are still made in IAM."]
  references     = [
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users_create.html",
    "https://attack.mitre.org/techniques/T1136/003/",
  ]

  where = <<-EOT
    operation = 'add' and path = ''
    and object_after->>'kind' = 'user'
  EOT

  message = "IAM user {object_after.UserName} is new in account {object_after.account}, in the groups {object_after.GroupList}"
}
