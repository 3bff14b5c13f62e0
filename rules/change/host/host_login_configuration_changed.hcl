detection "host_login_configuration_changed" {
  table       = "change"
  channel     = "host.file_integrity.**"
  title       = "How people log in was changed"
  description = <<-EOT
    A file that decides who gets in and how was changed: sshd's, PAM's, or sudo's. A single line lets a password
    be anything, writes passwords down, or lets root in.
  EOT
  severity       = "high"
  tags           = ["attack.persistence", "attack.credential_access", "attack.t1556.003"]
  falsepositives = ["Configuration management, or an upgrade."]
  references     = ["https://attack.mitre.org/techniques/T1556/003/"]

  where = <<-EOT
    regexp_matches(key, '^/etc/(ssh/sshd_config(\.d/.*)?|pam\.conf|pam\.d/.*|security/.*|sudoers(\.d/.*)?|nsswitch\.conf|login\.defs)$')
    and coalesce(object_after->>'kind', object_before->>'kind') in ('file', 'link')
    and path in ('', '/sha256', '/target')
  EOT

  message = "{key} was changed ({operation} {path_text})"
}
