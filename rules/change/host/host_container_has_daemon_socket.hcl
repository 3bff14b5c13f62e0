detection "host_container_has_daemon_socket" {
  table       = "change"
  channel     = "host.docker_containers.**"
  title       = "Container has the socket of its daemon"
  description = <<-EOT
    Whoever can talk to the daemon is root on the host: it starts any container with any folder of the host in it. The
    socket in a container gives that to everything that runs there.
  EOT
  severity       = "high"
  tags           = ["attack.privilege_escalation", "attack.t1611", "attack.t1610"]
  falsepositives = ["Agents that watch containers, and build servers that start them."]
  references     = ["https://attack.mitre.org/techniques/T1611/", "https://docs.docker.com/engine/security/#docker-daemon-attack-surface"]

  where = <<-EOT
    operation in ('add', 'change')
    and regexp_matches(object_after->>'mounts', '"daemon_socket":true')
    and (path = '' or path like '/mounts%')
    and not coalesce(regexp_matches(object_before->>'mounts', '"daemon_socket":true'), false)
  EOT

  message = "container {object_after.name} of {object_after.image} can do everything on the host: it has the socket of its daemon"
}
