detection "aws_iam_user_added_to_admin_group" {
  table       = "change"
  channel     = "aws.iam.**"
  title       = "User added to a group of administrators"
  description = <<-EOT
    The user has the rights of the group from now on. By its name the group is one of administrators; what it
    may do is in its policies.
  EOT
  severity       = "high"
  tags           = ["attack.privilege_escalation", "attack.persistence", "attack.t1098"]
  falsepositives = ["A new administrator, if somebody ordered it.", "A group that is only called so."]
  references     = ["https://docs.aws.amazon.com/IAM/latest/UserGuide/id_groups_manage_add-remove-users.html"]

  where = <<-EOT
    operation = 'add'
    and object_after->>'kind' = 'user'
    and (
      (path like '/GroupList/%' and regexp_matches(after->>'$', '(?i)admin|root|power-?_?user'))
      or (path = '' and regexp_matches(object_after->>'GroupList', '(?i)admin|root|power-?_?user')))
  EOT

  message = "user {object_after.UserName} of account {object_after.account} is in the groups {object_after.GroupList}"
}
