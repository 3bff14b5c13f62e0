detection "host_mount_lets_setuid_run" {
  table       = "change"
  channel     = "host.mounts.**"
  title       = "Setuid programs run from where everybody may write"
  description = <<-EOT
    A file system where everybody may write, or that comes from outside, is mounted without nosuid: a setuid
    program in it makes whoever starts it root.
  EOT
  severity       = "medium"
  tags           = ["attack.privilege_escalation", "attack.defense_evasion", "attack.t1548.001"]
  falsepositives = ["A host that was never hardened, when it mounts one anew."]
  references     = [
    "https://attack.mitre.org/techniques/T1548/001/",
    "https://man7.org/linux/man-pages/man8/mount.8.html",
  ]

  where = <<-EOT
    (path = '' or path like '/options%')
    and regexp_matches(key, '^/(tmp|var/tmp|dev/shm|home|media/.*|mnt/.*|run/user/.*)$')
    and not regexp_matches(object_after->>'options', '"nosuid"')
    and coalesce(regexp_matches(object_before->>'options', '"nosuid"'), true)
  EOT

  message = "{object_after.mount_point} ({object_after.type} {object_after.source}) is mounted without nosuid: {object_after.options}"
}
