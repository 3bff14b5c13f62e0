detection "host_port_opened" {
  table       = "change"
  channel     = "host.listening_ports.**"
  title       = "Program listens on all addresses"
  description = <<-EOT
    A port takes connections from everybody who reaches the host. It may be a service that was installed; or a
    debugger, a database that was meant for the host alone, or a shell that waits.
  EOT
  severity       = "medium"
  tags           = ["attack.persistence", "attack.command_and_control", "attack.t1133", "attack.t1571"]
  falsepositives = [
    "A service that was installed or has changed its port.",
    "Programs that listen on another port each time.",
  ]
  references = ["https://attack.mitre.org/techniques/T1571/"]

  where = <<-EOT
    operation = 'add' and path = ''
    and object_after->>'protocol' = 'tcp'
    and object_after->>'address' in ('0.0.0.0', '::')
  EOT

  message = "{object_after.protocol} port {object_after.port} is open on {object_after.address}, held by {object_after.programs}"
}
