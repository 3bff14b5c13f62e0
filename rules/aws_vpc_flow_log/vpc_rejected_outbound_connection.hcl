detection "vpc_rejected_outbound_connection" {
  table       = "aws_vpc_flow_log"
  title       = "Suspicious connection to the internet rejected"
  description = <<-EOT
    A host inside tried a port that servers have no reason to use towards the internet: Telnet, mail past the
    relay, file sharing, remote desktop, chat. It was stopped; what tries it is often a bot or a worm.
  EOT
  severity       = "medium"
  tags           = ["attack.command_and_control", "attack.lateral_movement", "attack.t1071", "attack.t1021"]
  falsepositives = ["A misconfigured mail program."]
  references     = ["https://attack.mitre.org/techniques/T1071/"]

  where = <<-EOT
    action = 'REJECT'
    and protocol = 6
    and dst_port in (23, 25, 139, 445, 3389, 6660, 6661, 6662, 6663, 6664, 6665, 6666, 6667, 6668, 6669)
    and ip_in_network(src_addr, ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'])
    and not ip_in_network(dst_addr, ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10',
      '169.254.0.0/16', '127.0.0.0/8', '::1/128', 'fc00::/7', 'fe80::/10', '224.0.0.0/4', 'ff00::/8'])
  EOT

  message = "{src_addr} ({interface_id}) tried port {dst_port} of {dst_addr} and was stopped"
}
