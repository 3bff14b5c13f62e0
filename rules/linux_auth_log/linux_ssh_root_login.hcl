detection "linux_ssh_root_login" {
  table       = "linux_auth_log"
  title       = "root logged in over SSH"
  description = <<-EOT
    Nobody can tell who it was, and nothing stands between the login and everything on the host. People log
    in as themselves and use sudo.
  EOT
  severity       = "high"
  tags           = ["attack.initial_access", "attack.lateral_movement", "attack.t1078.003", "attack.t1021.004"]
  falsepositives = ["Automation that connects as root, such as backups or configuration management."]
  references     = ["https://attack.mitre.org/techniques/T1021/004/"]

  where = <<-EOT
    event_type = 'login'
    and "user" = 'root'
    and program like 'sshd%'
  EOT

  message = "root logged in to {host} from {source_ip} with {auth_method}"
}
