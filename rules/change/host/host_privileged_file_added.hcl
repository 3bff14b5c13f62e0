detection "host_privileged_file_added" {
  table       = "change"
  channel     = "host.suid_files.**"
  title       = "Program that makes whoever starts it root"
  description = <<-EOT
    A program that belongs to root and is setuid, or that has a capability which comes to the same, is new or
    has become one. A copy of a shell with that bit is the simplest back door there is.
  EOT
  severity       = "high"
  tags           = ["attack.privilege_escalation", "attack.persistence", "attack.t1548.001"]
  falsepositives = ["A package that brings such a program: sudo, mount, a sandbox."]
  references     = [
    "https://attack.mitre.org/techniques/T1548/001/",
    "https://man7.org/linux/man-pages/man7/capabilities.7.html",
  ]

  where = <<-EOT
    operation in ('add', 'change')
    and (
      (object_after->>'setuid' = 'true' and object_after->>'uid' = '0' and path in ('', '/setuid', '/uid'))
      or (path in ('', '/capabilities') or path like '/capabilities/%')
        and regexp_matches(after, 'cap_(setuid|setgid|sys_admin|sys_ptrace|sys_module|dac_override|dac_read_search|chown|fowner)'))
  EOT

  message = "{object_after.path} makes whoever starts it root: mode {object_after.mode}, owner {object_after.owner}, {object_after.capabilities}"
}
