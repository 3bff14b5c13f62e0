detection "host_systemd_command_changed" {
  table       = "change"
  channel     = "host.systemd_units.**"
  title       = "Service runs another command"
  description = <<-EOT
    What a unit of systemd runs was changed, in its file or by settings that are laid over it. A known service
    that also starts something else is seen by nobody who looks for new ones.
  EOT
  severity       = "medium"
  tags           = ["attack.persistence", "attack.t1543.002"]
  falsepositives = ["An upgrade, or an administrator who changes how a service starts."]
  references     = [
    "https://attack.mitre.org/techniques/T1543/002/",
    "https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html",
  ]

  where = <<-EOT
    operation in ('add', 'change')
    and (
      path like '/exec/%'
      or (path = '' and object_after->>'kind' = 'drop_in' and object_after->>'exec' <> '{}'))
  EOT

  message = "{object_after.path} makes {object_after.name} run {object_after.exec}"
}
