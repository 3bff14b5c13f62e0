detection "host_password_never_expires" {
  table       = "change"
  channel     = "host.linux_users.**"
  title       = "Password of a user does not expire any more"
  description = <<-EOT
    The user need not choose a new password any more. Where passwords have to change, that is an exception which
    somebody made for an account that is to stay usable.
  EOT
  severity       = "low"
  tags           = ["attack.persistence", "attack.t1098"]
  falsepositives = ["A policy without expiry, as NIST advises: then switch this off."]
  references     = ["https://man7.org/linux/man-pages/man5/shadow.5.html"]

  where = <<-EOT
    path = '/password_max_days'
    and object_after->>'kind' = 'user'
    and try_cast(before->>'$' as integer) between 1 and 9999
    and coalesce(try_cast(after->>'$' as integer), 99999) not between 1 and 9999
  EOT

  message = "the password of {object_after.name} does not expire any more; it did after {before} days"
}
