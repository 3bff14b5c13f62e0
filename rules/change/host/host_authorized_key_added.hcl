detection "host_authorized_key_added" {
  table       = "change"
  channel     = "host.authorized_keys.**"
  title       = "SSH key lets somebody in"
  description = <<-EOT
    Whoever has the private half logs in as the user from now on, without a password and whatever the password
    becomes. It is the most common way to come back to a host.
  EOT
  severity       = "high"
  tags           = ["attack.persistence", "attack.t1098.004"]
  falsepositives = ["A new colleague or computer, or a key of a configuration management system."]
  references     = [
    "https://attack.mitre.org/techniques/T1098/004/",
    "https://man.openbsd.org/sshd#AUTHORIZED_KEYS_FILE_FORMAT",
  ]

  where = <<-EOT
    operation = 'add' and path = ''
  EOT

  message = "the key {object_after.fingerprint} ({object_after.comment}) logs in as {object_after.user}, by {object_after.file}"
}
