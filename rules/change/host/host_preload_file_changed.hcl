detection "host_preload_file_changed" {
  table       = "change"
  channel     = "host.file_integrity.**"
  title       = "Library is loaded into every program"
  description = <<-EOT
    What /etc/ld.so.preload names is loaded into every program that starts, root's too. Hardly anybody uses the
    file, but for rootkits, which hide files, processes and connections with it.
  EOT
  severity       = "critical"
  tags           = ["attack.persistence", "attack.defense_evasion", "attack.t1574.006", "attack.t1014"]
  falsepositives = ["Some profilers and allocators, and agents of makers who do so."]
  references     = [
    "https://attack.mitre.org/techniques/T1574/006/",
    "https://man7.org/linux/man-pages/man8/ld.so.8.html",
  ]

  where = <<-EOT
    key = '/etc/ld.so.preload'
    and operation in ('add', 'change')
    and path in ('', '/sha256', '/target')
  EOT

  message = "{key} was written: what it names is loaded into every program"
}
