detection "vpc_database_from_internet" {
  table       = "aws_vpc_flow_log"
  title       = "Database reached from the internet"
  description = <<-EOT
    A public address reached the port of a database or cache. Databases on the internet are found within
    hours, read, and often wiped for ransom.
  EOT
  severity       = "high"
  tags           = ["attack.initial_access", "attack.collection", "attack.t1190", "attack.t1213"]
  falsepositives = ["A partner who is let in by address."]
  references     = ["https://attack.mitre.org/techniques/T1190/"]

  where = <<-EOT
    action = 'ACCEPT'
    and protocol = 6
    and dst_port in (1433, 1521, 3306, 5432, 5984, 6379, 9042, 9200, 11211, 27017)
    and not ip_in_network(src_addr, ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10',
      '169.254.0.0/16', '127.0.0.0/8', '::1/128', 'fc00::/7', 'fe80::/10'])
  EOT

  message = "{src_addr} reached port {dst_port} of {dst_addr} ({interface_id}): {bytes} bytes"
}
