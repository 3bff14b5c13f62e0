detection "host_authorized_key_less_limited" {
  table       = "change"
  channel     = "host.authorized_keys.**"
  title       = "Limits of an SSH key taken away"
  description = <<-EOT
    A key that could only be used from some addresses, or for one command, can do more now. Keys of backups and
    pipelines are limited so, and lie on many machines.
  EOT
  severity       = "medium"
  tags           = ["attack.persistence", "attack.defense_evasion", "attack.t1098.004"]
  falsepositives = ["A command or network that changed: another limit should have come."]
  references     = ["https://man.openbsd.org/sshd#AUTHORIZED_KEYS_FILE_FORMAT"]

  where = <<-EOT
    operation = 'remove'
    and path like '/options/%'
    and regexp_matches(before->>'$', '^(from|command|restrict|no-)')
    and not regexp_matches(object_after->>'options', '"' || regexp_extract(before->>'$', '^[a-z-]+', 0))
  EOT

  message = "the key {object_after.fingerprint} of {object_after.user} is not limited by {before} any more"
}
