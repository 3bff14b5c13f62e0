detection "aws_iam_second_active_access_key" {
  table       = "change"
  channel     = "aws.iam.**"
  title       = "User with two active access keys"
  description = <<-EOT
    A user needs two active keys for the hour in which one replaces the other. Two that stay are a rotation that
    was forgotten, or a key that somebody else uses beside the one that is known.
  EOT
  severity       = "low"
  tags           = ["attack.persistence", "attack.t1098.001"]
  falsepositives = ["Rotation, until the old key is deleted."]
  references     = [
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html#Using_RotateAccessKey",
  ]

  where = <<-EOT
    (path = '' or path like '/AccessKeys%')
    and object_after->>'kind' = 'user'
    and regexp_matches(object_after->>'AccessKeys', '"Status":"Active".*"Status":"Active"')
    and not coalesce(regexp_matches(object_before->>'AccessKeys', '"Status":"Active".*"Status":"Active"'), false)
  EOT

  message = "user {object_after.UserName} of account {object_after.account} has two active access keys"
}
