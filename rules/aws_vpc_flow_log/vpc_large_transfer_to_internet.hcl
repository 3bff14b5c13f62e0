detection "vpc_large_transfer_to_internet" {
  table       = "aws_vpc_flow_log"
  title       = "Large transfer to the internet"
  description = <<-EOT
    More than one gigabyte went from a private address to one public address within one record of the flow
    log, which covers ten minutes at most. It may be data on its way out.
  EOT
  severity       = "low"
  tags           = ["attack.exfiltration", "attack.t1048"]
  falsepositives = ["Backups and uploads to a service outside.", "Servers of large files."]
  references     = ["https://attack.mitre.org/techniques/T1048/"]

  where = <<-EOT
    action = 'ACCEPT'
    and bytes > 1073741824
    and ip_in_network(src_addr, ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'])
    and not ip_in_network(dst_addr, ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10',
      '169.254.0.0/16', '127.0.0.0/8', '::1/128', 'fc00::/7', 'fe80::/10', '224.0.0.0/4', 'ff00::/8'])
  EOT

  message = "{src_addr} ({interface_id}) sent {bytes} bytes to {dst_addr}"
}
