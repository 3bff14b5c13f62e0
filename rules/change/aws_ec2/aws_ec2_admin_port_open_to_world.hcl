detection "aws_ec2_admin_port_open_to_world" {
  table       = "change"
  channel     = "aws.ec2.**"
  title       = "Management or database port open to the whole internet"
  description = <<-EOT
    A security group lets every address connect to a port by which machines are managed or data is read: SSH,
    remote desktop, databases, the interfaces of containers; or to a range of ports, or to all. Scanners find it
    within minutes.
  EOT
  severity       = "high"
  tags           = ["attack.defense_evasion", "attack.initial_access", "attack.t1562.007", "attack.t1133"]
  falsepositives = ["A bastion host that is meant to be reached from everywhere."]
  references     = [
    "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
    "https://attack.mitre.org/techniques/T1562/007/",
  ]

  where = <<-EOT
    operation in ('add', 'change')
    and (path = '' or path like '/IpPermissions/%')
    and object_after->>'kind' = 'security_group'
    and regexp_matches(
      case when path = '' then object_after->>'IpPermissions' else after end,
      '"id":"(all|(tcp|udp) [0-9]+-[0-9]+|tcp (22|23|135|139|445|1433|1521|2375|2376|3306|3389|5432|5601|5900|5985|5986|6379|6443|9200|10250|11211|27017)) (0\.0\.0\.0/0|::/0)"')
  EOT

  message = "security group {object_after.GroupName} ({object_after.id}, {object_after.region}, {object_after.account}) is open to every address: {path_text}"
}
