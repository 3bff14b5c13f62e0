detection "vpc_remote_administration_from_internet" {
  table       = "aws_vpc_flow_log"
  title       = "Remote administration accepted from the internet"
  description = <<-EOT
    A public address reached a port for administration: SSH, Telnet, remote desktop, WinRM or VNC. These ports
    are attacked day and night and belong behind a private network.
  EOT
  severity       = "medium"
  tags           = ["attack.initial_access", "attack.t1133"]
  falsepositives = ["A jump host, whose addresses are then best limited by a security group."]
  references     = ["https://attack.mitre.org/techniques/T1133/"]

  where = <<-EOT
    action = 'ACCEPT'
    and protocol = 6
    and dst_port in (22, 23, 3389, 5900, 5985, 5986)
    and not ip_in_network(src_addr, ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10',
      '169.254.0.0/16', '127.0.0.0/8', '::1/128', 'fc00::/7', 'fe80::/10'])
  EOT

  message = "{src_addr} reached port {dst_port} of {dst_addr} ({interface_id}): {bytes} bytes"
}
