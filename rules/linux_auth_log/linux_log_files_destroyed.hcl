detection "linux_log_files_destroyed" {
  table       = "linux_auth_log"
  title       = "Log files destroyed with sudo"
  description = <<-EOT
    Somebody removes or empties logs by hand. Programs rotate their logs by themselves, so there is hardly a
    reason but to hide something.
  EOT
  severity       = "high"
  tags           = ["attack.defense_evasion", "attack.t1070.002"]
  falsepositives = ["Somebody who makes room on a full disk."]
  references     = ["https://attack.mitre.org/techniques/T1070/002/"]

  where = <<-EOT
    event_type = 'sudo_command'
    and (regexp_matches(command, '(^|/)(rm|shred|truncate|unlink|wipe|srm)\b.*/var/log(/|\s|$)')
      or regexp_matches(command, '(^|/)journalctl\b.*--vacuum-'))
  EOT

  message = "{user} destroyed logs on {host}: {command}"
}
