detection "host_security_package_removed" {
  table       = "change"
  channel     = "host.packages.**"
  title       = "Package that guards the host was removed"
  description = <<-EOT
    What watched the host, logged what happens on it, or kept attackers out is not installed any more. It is
    often the first thing that is done with the rights of root.
  EOT
  severity       = "high"
  tags           = ["attack.defense_evasion", "attack.t1562.001"]
  falsepositives = ["Another product that takes its place."]
  references     = ["https://attack.mitre.org/techniques/T1562/001/"]

  where = <<-EOT
    regexp_matches(key, '^(dpkg|rpm|apk)/(auditd?|aide|apparmor|chkrootkit|clamav(-daemon)?|crowdstrike.*|falcon-sensor|fail2ban|falco|firewalld|nftables|ossec.*|osquery|rkhunter|rsyslog|samhain|sentinelagent|suricata|syslog-ng|sysmonforlinux|ufw|wazuh-agent|elastic-agent|auditbeat)/')
    and (
      (operation = 'remove' and path = '')
      or (path = '/status' and before->>'$' = 'installed'))
  EOT

  message = "package {object_before.name} {object_before.version} is not installed any more"
}
