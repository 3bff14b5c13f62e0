detection "aws_iam_access_key_added" {
  table       = "change"
  channel     = "aws.iam.**"
  title       = "Access key for an existing user"
  description = <<-EOT
    An access key works from everywhere, without a second factor and until it is deleted. Whoever may make one
    for another user acts as that user from then on, and nothing in the user's day changes.
  EOT
  severity       = "medium"
  tags           = ["attack.persistence", "attack.credential_access", "attack.t1098.001"]
  falsepositives = ["Rotation: a new key is made before the old one is deleted."]
  references     = [
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html",
    "https://attack.mitre.org/techniques/T1098/001/",
  ]

  where = <<-EOT
    operation = 'add'
    and path like '/AccessKeys/%'
    and object_after->>'kind' = 'user'
  EOT

  message = "user {object_after.UserName} of account {object_after.account} has the new access key {after.AccessKeyId}"
}
