detection "host_systemd_unit_enabled" {
  table       = "change"
  channel     = "host.systemd_units.**"
  title       = "Service starts by itself from now on"
  description = <<-EOT
    A unit of systemd was enabled: it starts with the host, or with what else is named, as root if it says no
    other user. Back doors are called like parts of the system, so look at what it runs.
  EOT
  severity       = "medium"
  tags           = ["attack.persistence", "attack.t1543.002"]
  falsepositives = ["A package that brings a service."]
  references     = ["https://attack.mitre.org/techniques/T1543/002/"]

  where = <<-EOT
    path in ('', '/enabled')
    and object_after->>'kind' = 'unit'
    and object_after->>'enabled' = 'true'
    and coalesce(object_before->>'enabled', 'false') = 'false'
  EOT

  message = "{object_after.name} ({object_after.scope}) starts by itself and runs {object_after.exec}"
}
