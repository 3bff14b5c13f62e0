detection "aws_ec2_port_open_to_world" {
  table       = "change"
  channel     = "aws.ec2.**"
  title       = "Port open to the whole internet"
  description = <<-EOT
    A security group lets every address connect to a port that is neither that of a web server nor one of those
    by which machines are managed, which have a detection of their own. What listens there is reached by
    everybody who looks for it.
  EOT
  severity       = "medium"
  tags           = ["attack.defense_evasion", "attack.initial_access", "attack.t1562.007", "attack.t1190"]
  falsepositives = ["A service that is meant for everybody: mail, name servers, VPN."]
  references     = ["https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html"]

  where = <<-EOT
    operation in ('add', 'change')
    and (path = '' or path like '/IpPermissions/%')
    and object_after->>'kind' = 'security_group'
    and regexp_matches(
      regexp_replace(
        case when path = '' then object_after->>'IpPermissions' else after end,
        '"id":"tcp (80|443|22|23|135|139|445|1433|1521|2375|2376|3306|3389|5432|5601|5900|5985|5986|6379|6443|9200|10250|11211|27017) [^"]*"', '', 'g'),
      '"id":"(tcp|udp) [0-9]+ (0\.0\.0\.0/0|::/0)"')
  EOT

  message = "security group {object_after.GroupName} ({object_after.id}, {object_after.region}, {object_after.account}) is open to every address: {path_text}"
}
