detection "dns_mail_server_added" {
  table       = "change"
  channel     = "network.dns_records.**"
  title       = "Mail server added to a domain"
  description = <<-EOT
    Mail for the domain may go to the new server, and with it every link by which passwords are set anew. A
    server with a low number gets all of it.
  EOT
  severity       = "high"
  tags           = ["attack.collection", "attack.resource_development", "attack.t1584.002", "attack.t1114"]
  falsepositives = ["A move to another mail provider."]
  references     = ["https://attack.mitre.org/techniques/T1114/"]

  where = <<-EOT
    operation = 'add'
    and path like '/values/%'
    and object_after->>'type' = 'MX'
  EOT

  message = "mail for {object_after.name} may go to {after}; all are {object_after.values}"
}
