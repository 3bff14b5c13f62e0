detection "host_container_privileged" {
  table       = "change"
  channel     = "host.docker_containers.**"
  title       = "Container has all rights of its host"
  description = <<-EOT
    A privileged container may do on the host what root may: load modules, read all disks, leave the container. Who
    gets to the daemon starts one to take the host.
  EOT
  severity       = "high"
  tags           = ["attack.privilege_escalation", "attack.t1611"]
  falsepositives = ["Agents that look after the host, such as those for storage or networks."]
  references     = ["https://attack.mitre.org/techniques/T1611/", "https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities"]

  where = <<-EOT
    operation in ('add', 'change')
    and object_after->>'privileged' = 'true'
    and path in ('', '/privileged')
  EOT

  message = "container {object_after.name} of {object_after.image} has all rights of the host"
}
